// Go: a goroutine per connection.
package main

import (
	"fmt"
	"net"
	"os"
)

func serve(client net.Conn) {
	defer client.Close()
	buffer := make([]byte, 16384)
	for {
		size, err := client.Read(buffer)
		if err != nil {
			return
		}
		if _, err := client.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func listen(at string) (net.Listener, error) {
	if at == "0" {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	return net.Listen("unix", at)
}

func main() {
	listener, err := listen(os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println("listening on", listener.Addr())
	for {
		client, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(client)
	}
}
