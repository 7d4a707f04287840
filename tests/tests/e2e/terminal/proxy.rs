//! A proxy on the way to the API server: `sc` goes through the one that kubectl would go through.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use sc_tests::helm::Answer;
use serde_json::Value;

use super::session::Session;
use crate::bed::{self, Bed, Helm};
use crate::connections::postgres_inline;

#[test]
fn sc_goes_through_the_proxy_that_kubectl_would() {
    bed::with(Helm::Four, "proxy", 1, |bed| {
        bed.upgraded(&[postgres_inline("orders", bed.shop(), "hunter2-proxy-hunter2")], &[]);
        let (session, proxy) = (Session::of(bed), Proxy::start());
        let list = |environment: &str| session.shell(&format!("{environment} sc list --release-namespace {} -o json", bed.system));
        let direct = list("");
        assert!(direct.is_ok && direct.output.contains("orders"), "{direct:?}");
        let same = |answer: Answer| assert_eq!((answer.is_ok, &answer.output), (true, &direct.output), "{}", answer.errors);

        same(list(&format!("HTTPS_PROXY={}", proxy.url())));
        assert!(proxy.used() > 0);

        let before = proxy.used();
        let server = env::var("SC_CLUSTER_IP").expect("run by `scripts/cluster run`");
        same(list(&format!("HTTPS_PROXY={} NO_PROXY={server}", proxy.url())));
        assert_eq!(proxy.used(), before);

        same(list(&format!("KUBECONFIG={}", kubeconfig(bed, &proxy))));
        assert!(proxy.used() > before);
    });
}

/// The kubeconfig, with `proxy-url`.
fn kubeconfig(bed: &Bed, proxy: &Proxy) -> String {
    let mut kubeconfig: Value = serde_yaml::from_str(&fs::read_to_string(env::var("KUBECONFIG").unwrap()).unwrap()).unwrap();
    kubeconfig["clusters"][0]["cluster"]["proxy-url"] = proxy.url().into();
    let file = bed.folder().join("proxied");
    fs::write(&file, kubeconfig.to_string()).unwrap();
    file.display().to_string()
}

/// A proxy that takes CONNECT to anywhere. It ends with the test process.
struct Proxy {
    address: String,
    used: Arc<AtomicUsize>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, used) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
        let count = used.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                count.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || tunnel(client.unwrap()));
            }
        });
        Self { address, used }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there were.
    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Joins a client to the server that it names in its first line.
fn tunnel(mut client: TcpStream) {
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines().map(Result::unwrap);
    let asked = lines.next().unwrap();
    let server = asked.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).expect("CONNECT");
    lines.find(String::is_empty).expect("the end of the request");
    let mut server = TcpStream::connect(server).unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || io::copy(&mut from, &mut to));
    let _ = io::copy(&mut server, &mut client);
}
