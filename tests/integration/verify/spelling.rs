//! Nobody is who they say: behind every proxy, by the configuration that `unleak serve --example` prints, an application sees
//! the identity of the answer alone, however a client spells the names of its headers.

use super::contract::{EXPRESS, SECRET_FROM, express, secret};
use super::proxies::{Proxy, caddy, envoy, haproxy, nginx, traefik};
use super::server::{Server, ask, database};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// An application that shows what it was asked.
fn mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            std::thread::spawn(move || reflect(client.unwrap()));
        }
    });
    address
}

fn reflect(mut client: TcpStream) {
    let (mut head, mut some) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut some) {
            Ok(read @ 1..) => head.extend(&some[..read]),
            _ => return,
        }
    }
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", head.len());
    let _gone = client.write_all(&[answer.as_bytes(), &head].concat());
}

/// Every sign that the name of a header may have.
const SIGNS: &str = "-!#$%&'*+.^_`|~";

/// The names that CGI, WSGI, Rack and PHP make one of.
fn spellings(of: &str) -> Vec<String> {
    let dashes: Vec<usize> = of.match_indices('-').map(|(at, _)| at).collect();
    let spelt = |which: usize, sign: char| {
        let mut name = of.to_owned();
        for (_, &at) in dashes.iter().enumerate().filter(|(bit, _)| which >> bit & 1 == 1) {
            name.replace_range(at..=at, &sign.to_string());
        }
        name
    };
    let mut all: Vec<String> = SIGNS
        .chars()
        .flat_map(|sign| (0..1 << dashes.len()).map(move |which| (which, sign)))
        .map(|(which, sign)| spelt(which, sign))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What an application reads under a name that takes every sign for a dash.
fn read(head: &str, name: &str) -> Vec<String> {
    let same =
        |given: &str| given.replace(|c: char| !c.is_ascii_alphanumeric(), "-").eq_ignore_ascii_case(name);
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(given, _)| same(given)).map(|(_, value)| value.trim().to_owned()).collect()
}

fn nobody_else_gets_in(proxy: fn(&str, &str) -> Proxy) {
    let server = Server::start(&database(EXPRESS), &secret(), &SECRET_FROM);
    let proxy = proxy(&mirror().to_string(), &server.address);
    let cookie = express("live");
    let at = |path: &str, sent: &[(&str, &str)]| {
        ask("GET", &format!("http://127.0.0.1:{}{path}", proxy.port), sent)
    };
    let seen = at("/account", &[("cookie", &cookie)]);
    assert_eq!((seen.status, read(&seen.body, "x-session-user")), (200, vec!["1".to_owned()]), "{seen:?}");
    for name in ["x-session-user", "x-session-expires", "x-session-reason"] {
        for spelt in spellings(name) {
            for (path, cookie) in [("/account", cookie.as_str()), ("/signin", ""), ("/signin", &cookie)] {
                let answer = at(path, &[("cookie", cookie), (&spelt, "root"), (&spelt, "root")]);
                // Some refuse such a request, which is as good.
                assert!([200, 400, 403].contains(&answer.status), "{path} {spelt}: {answer:?}");
                let read = read(&answer.body, name);
                assert!(read.iter().all(|value| value != "root"), "{path} {spelt}: {}", answer.body);
            }
        }
    }
}

/// Where a proxy is not configured as it should be, or cannot be, unleak says no.
#[test]
fn whoever_is_asked_about_in_disguise_is_refused_and_nobody() {
    let server = Server::start(&database(EXPRESS), &secret(), &SECRET_FROM);
    let cookie = express("live");
    for name in ["x-session-user", "x-session-expires", "x-session-reason"] {
        for spelt in spellings(name).into_iter().filter(|spelt| spelt != name) {
            for path in ["/verify?mode=nginx", "/verify?mode=redirect", "/verify/account"] {
                let answer = server.ask(path, &[("cookie", &cookie), (&spelt, "root")]);
                assert_eq!((answer.status, answer.user()), (403, ""), "{path} {spelt}: {answer:?}");
                assert_eq!(answer.one("content-type"), "application/problem+json");
            }
        }
    }
    assert_eq!(server.ask("/verify", &[("cookie", &cookie), ("x-session-user", "root")]).user(), "1");
}

#[test]
fn behind_nginx_nobody_is_who_they_say() {
    nobody_else_gets_in(nginx);
}

#[test]
fn behind_caddy_nobody_is_who_they_say() {
    nobody_else_gets_in(caddy);
}

#[test]
fn behind_haproxy_nobody_is_who_they_say() {
    nobody_else_gets_in(haproxy);
}

#[test]
fn behind_envoy_nobody_is_who_they_say() {
    nobody_else_gets_in(envoy);
}

#[test]
fn behind_traefik_nobody_is_who_they_say() {
    nobody_else_gets_in(traefik);
}
