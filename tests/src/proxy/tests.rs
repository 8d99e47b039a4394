use super::*;

/// Says each line back and ends with the client.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 64];
                while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                    stream.write_all(&bytes[..count]).await?;
                }
                Ok::<(), io::Error>(())
            });
        }
    });
    port
}

/// What comes back of "hello", and of "again", through the fault from this turn on.
async fn received(fault: Fault, turn: usize) -> (String, Vec<usize>) {
    let proxy = Proxy::start("127.0.0.1", echo().await, Plan { fault, turn, connection: 0 }).await;
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    let mut all = Vec::new();
    for word in ["hello", "again"] {
        let mut bytes = [0; 5];
        if stream.write_all(word.as_bytes()).await.is_err() {
            break;
        }
        let mut got = 0;
        while got < 5 {
            match stream.read(&mut bytes[got..]).await {
                Ok(count @ 1..) => got += count,
                _ => break,
            }
        }
        all.extend_from_slice(&bytes[..got]);
    }
    (String::from_utf8(all).unwrap(), proxy.turns())
}

#[tokio::test]
async fn each_fault_begins_in_its_turn() {
    let short = Duration::from_millis(1);
    for (fault, turn, expected) in [
        (Fault::None, 0, "helloagain"),
        (Fault::Latency(short), 0, "helloagain"),
        (Fault::Jitter(short), 2, "helloagain"),
        (Fault::Bandwidth(100_000), 0, "helloagain"),
        (Fault::Drip(short), 1, "helloagain"),
        (Fault::Cut(0), 0, ""),
        (Fault::Cut(4), 2, "hell"),
        (Fault::Cut(3), 4, "helloaga"),
        (Fault::Reset(4), 2, "hell"),
        (Fault::Reset(0), 4, "hello"),
        (Fault::HalfClose, 2, ""),
        (Fault::Corrupt, 2, "he|loagain"),
        (Fault::Corrupt, 4, "helloagqin"),
    ] {
        assert_eq!(received(fault, turn).await.0, expected, "{fault:?} in turn {turn}");
    }
}

#[tokio::test]
async fn turns_are_counted_for_each_connection() {
    assert_eq!(received(Fault::None, 0).await.1, [4]);
}
