// tokio: a task per connection, on its current-thread runtime.
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

async fn serve(mut client: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut buffer = vec![0; 16384];
    loop {
        let size = client.read(&mut buffer).await?;
        if size == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..size]).await?;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let at = std::env::args().nth(1).expect("0 or a path");
    if at == "0" {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on {}", listener.local_addr()?);
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            tokio::spawn(serve(client));
        }
    }
    let listener = UnixListener::bind(&at)?;
    println!("listening on {at}");
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(serve(client));
    }
}
