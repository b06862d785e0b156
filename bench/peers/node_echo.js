// Node: a socket is piped into itself.
'use strict';
const net = require('net');

const at = process.argv[2];
const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  client.on('error', () => client.destroy());
  client.pipe(client);
});
const where = at === '0' ? { host: '127.0.0.1', port: 0 } : { path: at };
server.listen({ ...where, backlog: 4096 }, () => {
  console.log('listening on ' + (at === '0' ? '127.0.0.1:' + server.address().port : at));
});
