//! A server of files on loopback, for tests.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// Serves the files by their paths; its address. With a login, only to those whose `Authorization` says it.
pub(super) fn serve(files: Vec<(&'static str, Vec<u8>)>, login: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &files, login);
        }
    });
    address
}

fn answer(mut stream: TcpStream, files: &[(&'static str, Vec<u8>)], login: Option<&str>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut said = None;
    let mut header = String::new();
    while reader.read_line(&mut header).unwrap() > 2 {
        if let Some(value) = header.trim_end().to_ascii_lowercase().strip_prefix("authorization: ") {
            said = Some(header.trim_end()[header.trim_end().len() - value.len()..].to_owned());
        }
        header.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let found = files.iter().find(|(name, _)| *name == path);
    let (status, body) = match found {
        _ if login.is_some() && said.as_deref() != login => ("401 Unauthorized", Vec::new()),
        Some((_, content)) => ("200 OK", content.clone()),
        None => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // Who has seen enough of the head may be gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
