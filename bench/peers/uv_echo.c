/* libuv: one buffer for all reads; what uv_try_write() leaves waits in a write request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef union {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
} any_stream;

static char shared[65536];
static int on_tcp;

static void buffer_for(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  (void)handle, (void)suggested;
  *buffer = uv_buf_init(shared, sizeof shared);
}

static void closed(uv_handle_t* handle) { free(handle); }

static void written(uv_write_t* request, int status) {
  free(request);
  (void)status; /* A broken connection is seen by its read. */
}

static void received(uv_stream_t* client, ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) {
    uv_close((uv_handle_t*)client, closed);
    return;
  }
  uv_buf_t bytes = uv_buf_init(buffer->base, (unsigned)size);
  const int sent = uv_try_write(client, &bytes, 1);
  const unsigned done = sent > 0 ? (unsigned)sent : 0;
  if (done == bytes.len) return;
  const unsigned left = (unsigned)size - done;
  uv_write_t* request = malloc(sizeof *request + left);
  memcpy(request + 1, buffer->base + done, left);
  bytes = uv_buf_init((char*)(request + 1), left);
  uv_write(request, client, &bytes, 1, written);
}

static void connected(uv_stream_t* server, int status) {
  any_stream* client = malloc(sizeof *client);
  (void)status;
  if (on_tcp) {
    uv_tcp_init(server->loop, &client->tcp);
  } else {
    uv_pipe_init(server->loop, &client->pipe, 0);
  }
  uv_accept(server, &client->stream);
  if (on_tcp) uv_tcp_nodelay(&client->tcp, 1);
  uv_read_start(&client->stream, buffer_for, received);
}

int main(int argc, char** argv) {
  (void)argc;
  uv_loop_t* loop = uv_default_loop();
  any_stream server;
  on_tcp = strcmp(argv[1], "0") == 0;
  if (on_tcp) {
    struct sockaddr_in address;
    int size = sizeof address;
    uv_tcp_init(loop, &server.tcp);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&server.tcp, (struct sockaddr*)&address, 0);
    uv_listen(&server.stream, 4096, connected);
    uv_tcp_getsockname(&server.tcp, (struct sockaddr*)&address, &size);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  } else {
    uv_pipe_init(loop, &server.pipe, 0);
    uv_pipe_bind(&server.pipe, argv[1]);
    uv_listen(&server.stream, 4096, connected);
    printf("listening on %s\n", argv[1]);
  }
  fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
