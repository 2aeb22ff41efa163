//! Each probe against a server that says exactly what the test wants.

use supervise::spec::HttpTarget;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
};

use super::*;

/// A server for one connection that reads a little and then says this.
async fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _read = stream.read(&mut [0; 1024]).await.unwrap();
        // In pieces, as networks do.
        for piece in answer.chunks(7) {
            stream.write_all(piece).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    address
}

async fn http(answer: &'static [u8]) -> Verdict {
    let target = HttpTarget {
        at: Address::Tcp(server(answer).await),
        path: "/health".into(),
    };
    ask(&Probe::Http(target)).await.unwrap()
}

fn fail(why: &str) -> Verdict {
    Verdict::Fail(why.into())
}

#[tokio::test]
async fn the_status_decides() {
    assert_eq!(
        http(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody").await,
        Verdict::Pass
    );
    assert_eq!(http(b"HTTP/1.1 302 Found\r\n\r\n").await, Verdict::Pass);
    let unready = http(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").await;
    assert_eq!(unready, fail("/health answered 503"));
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure() {
    assert_eq!(http(b"").await, fail("/health was answered by no status"));
    assert_eq!(
        http(b"HTTP/1.1 20").await,
        fail("/health was answered by no status")
    );
    let Verdict::Fail(why) = http(b"SSH-2.0-OpenSSH\r\n").await else {
        panic!("not HTTP")
    };
    assert!(why.starts_with("the answer is not HTTP"), "{why}");
}

#[tokio::test]
async fn tcp_passes_where_somebody_listens() {
    let address = server(b"").await;
    assert_eq!(ask(&Probe::Tcp(address)).await, Some(Verdict::Pass));
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let verdict = ask(&Probe::Tcp(address.clone())).await.unwrap();
    assert_eq!(verdict, fail(&format!("nothing listens at {address}")));
}

/// An error of PostgreSQL's wire protocol.
fn error_response(fields: &[u8]) -> Vec<u8> {
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E".as_slice(), &length.to_be_bytes(), fields].concat()
}

async fn postgres(answer: Vec<u8>) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut packet = [0; 8];
        stream.read_exact(&mut packet).await.unwrap();
        assert_eq!(packet[4..], [0, 3, 0, 0]);
        stream.write_all(&answer).await.unwrap();
        stream
    };
    let probe = Probe::Postgres {
        socket_dir: folder.path().into(),
        port: 5432,
    };
    tokio::join!(ask(&probe), serve).0.unwrap()
}

#[tokio::test]
async fn postgres_passes_unless_it_says_that_it_is_starting() {
    let starting = b"SFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let starting = postgres(error_response(starting)).await;
    assert_eq!(starting, fail("the database system is starting up"));
    let stranger = postgres(error_response(b"SFATAL\0C28000\0Mno such role\0\0")).await;
    assert_eq!(stranger, Verdict::Pass);
    let welcome = postgres(b"R\0\0\0\x08\0\0\0\0".to_vec()).await;
    assert_eq!(welcome, Verdict::Pass);
}

#[tokio::test]
async fn an_answer_that_is_too_long_to_be_postgres_is_refused() {
    let verdict = postgres(b"E\xff\xff\xff\xff".to_vec()).await;
    assert_eq!(verdict, fail("the answer is not PostgreSQL's"));
}

#[tokio::test]
async fn what_no_connection_answers_is_not_asked() {
    assert_eq!(ask(&Probe::Notify).await, None);
}
