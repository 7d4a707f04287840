//! A registry of images as far as a failure needs one: it has no image, wants a login, or has an image for another processor.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use sha2::{Digest, Sha256};

/// What it answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    NotFound,
    Unauthorized,
    Elsewhere,
}

/// Starts one on a port of its own, which is returned. The kubelet's containerd reaches it as `localhost`, since tests run in the cluster's network; the
/// thread ends with the test process.
pub(crate) fn start(answer: Answer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().and_then(Result::ok).unwrap_or_default();
            // The other lines of the request, up to the empty one.
            for _ in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {}
            let _ = stream.write_all(reply(answer, &request).as_bytes());
        }
    });
    port
}

fn reply(answer: Answer, request: &str) -> String {
    let (status, headers, body) = match answer {
        Answer::NotFound => ("404 Not Found", String::new(), r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#.to_owned()),
        Answer::Unauthorized => {
            ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"e2e\"\r\n".to_owned(), r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#.to_owned())
        }
        Answer::Elsewhere => {
            let index = index();
            let digest: String = Sha256::digest(&index).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            ("200 OK", format!("Content-Type: application/vnd.oci.image.index.v1+json\r\nDocker-Content-Digest: sha256:{digest}\r\n"), index)
        }
    };
    let length = body.len();
    let body = if request.starts_with("HEAD") { String::new() } else { body };
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// The index of an image that is for s390x alone.
fn index() -> String {
    let digest = "0".repeat(64);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{digest}","size":400,"platform":{{"architecture":"s390x","os":"linux"}}}}]}}"#
    )
}
