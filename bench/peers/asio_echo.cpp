// asio: a coroutine per connection, in one thread.
#include <asio.hpp>
#include <array>
#include <cstdio>
#include <string>
#include <utility>

template <class Socket>
asio::awaitable<void> serve(Socket socket) {
  std::array<char, 16384> buffer;
  try {
    while (true) {
      const std::size_t size =
          co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer(buffer, size), asio::use_awaitable);
    }
  } catch (const asio::system_error&) {  // The end of the stream too.
  }
}

void prepare(asio::ip::tcp::socket& socket) { socket.set_option(asio::ip::tcp::no_delay(true)); }
void prepare(asio::local::stream_protocol::socket&) {}

template <class Acceptor>
asio::awaitable<void> listen(Acceptor acceptor) {
  while (true) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    prepare(socket);
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
  }
}

int main(int, char** argv) {
  const std::string at = argv[1];
  asio::io_context context(1);
  if (at == "0") {
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    asio::co_spawn(context, listen(std::move(acceptor)), asio::detached);
  } else {
    asio::local::stream_protocol::acceptor acceptor(context, at);
    std::printf("listening on %s\n", at.c_str());
    asio::co_spawn(context, listen(std::move(acceptor)), asio::detached);
  }
  std::fflush(stdout);
  context.run();
}
