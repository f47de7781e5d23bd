//! What a program asked of the system, in the order in which it asked: strace's record of it, read.
//!
//! Only this shows that an answer was on the disk before it was given. A killed process proves nothing of the kind:
//! what it had written without waiting for the disk is still in the system's memory.

use std::collections::HashMap;
use std::path::Path;
use tokio::process::Command;

/// The calls that are recorded.
const CALLS: &str = "trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,fdatasync,fsync";
/// Those that bring bytes in.
const IN: [&str; 4] = ["read", "readv", "recvfrom", "recvmsg"];
/// Those that send bytes out.
const OUT: [&str; 6] = ["write", "writev", "sendto", "sendmsg", "pwrite64", "pwritev"];
/// Those that wait for the disk.
const SYNC: [&str; 2] = ["fdatasync", "fsync"];

/// The same command, with its calls recorded in a file.
pub fn recorded(command: &Command, record: &Path) -> Command {
    let inner = command.as_std();
    let mut outer = Command::new("strace");
    // -f follows threads, -y names files, and 160 characters hold a request's first line.
    outer.args(["-f", "-y", "-s", "160", "-e", CALLS, "-o"]).arg(record);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    outer.kill_on_drop(true).stdin(std::process::Stdio::null());
    outer
}

/// The recorded process, which is the first to be named. Killed when it is dropped: it outlives its recorder.
pub struct Recorded(u32);

impl Recorded {
    /// Reads who is recorded.
    pub fn new(record: &Path) -> Self {
        let text = std::fs::read_to_string(record).unwrap();
        Self(text.split_whitespace().next().expect("something is recorded").parse().unwrap())
    }

    /// Asks the process to end.
    pub fn ask_to_stop(self) {
        crate::program::terminate(self.0);
        // It ends by itself now.
        std::mem::forget(self);
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        crate::program::signal(self.0, "KILL");
    }
}

/// One call. Calls of several threads overlap, so each has two places in the record.
#[derive(Debug, Clone)]
struct Call {
    name: String,
    arguments: String,
    began: usize,
    ended: usize,
}

impl Call {
    fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    /// The file or the socket that it is about, such as `12</data/countersign.db-wal>`.
    fn subject(&self) -> &str {
        self.arguments.split_inclusive('>').next().unwrap_or_default()
    }

    /// The bytes that went in or out, as far as they are recorded.
    fn data(&self) -> &str {
        let from_first = self.arguments.split_once('"').map_or("", |(_, rest)| rest);
        from_first.rsplit_once('"').map_or("", |(data, _)| data)
    }

    fn is_about(&self, file: &str) -> bool {
        self.subject().ends_with(&format!("{file}>"))
    }
}

/// Why an answer is not known to have been on the disk before it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// No such request came in.
    NoRequest,
    /// No such answer was sent on the connection of the request.
    NoAnswer,
    /// Nothing was written to the file between the two.
    NothingWritten,
    /// Something was written, and the disk was not waited for before the answer.
    NotWaitedFor,
}

/// A record of calls.
pub struct Record(Vec<Call>);

impl Record {
    /// Reads a record.
    pub fn parse(text: &str) -> Self {
        let mut calls: Vec<Call> = Vec::new();
        let mut open: Vec<(&str, Call)> = Vec::new();
        for (place, line) in text.lines().enumerate() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let rest = rest.trim_start();
            if let Some((begun, _)) = rest.split_once("<unfinished ...>") {
                if let Some((name, arguments)) = begun.split_once('(') {
                    let call = Call { name: name.into(), arguments: arguments.into(), began: place, ended: usize::MAX };
                    open.push((thread, call));
                }
            } else if let Some(resumed) = rest.strip_prefix("<... ") {
                let Some((name, more)) = resumed.split_once(" resumed>") else { continue };
                let Some(at) = open.iter().position(|(who, call)| *who == thread && call.name == name) else {
                    continue;
                };
                let (_, mut call) = open.remove(at);
                call.arguments.push_str(more);
                call.ended = place;
                calls.push(call);
            } else if let Some((name, arguments)) = rest.split_once('(') {
                calls.push(Call { name: name.into(), arguments: arguments.into(), began: place, ended: place });
            }
        }
        calls.extend(open.into_iter().map(|(_, call)| call));
        Self(calls)
    }

    /// The call with which the last of these bytes came in. They may come in pieces.
    fn came_in(&self, bytes: &str) -> Option<&Call> {
        let mut so_far: HashMap<&str, String> = HashMap::new();
        self.0.iter().filter(|call| call.is(&IN)).find(|call| {
            let read = so_far.entry(call.subject()).or_default();
            read.push_str(call.data());
            read.contains(bytes)
        })
    }

    /// Checks that everything that was written to `file` after a request came in was on the disk before its answer went
    /// out, and that something was.
    ///
    /// # Errors
    /// The [`Doubt`] that is left.
    pub fn durable_before_answer(&self, request: &str, answer: &str, file: &str) -> Result<(), Doubt> {
        let asked = self.came_in(request).ok_or(Doubt::NoRequest)?;
        let later = || self.0.iter().filter(|call| call.began > asked.ended);
        let answers =
            later().filter(|call| call.is(&OUT) && call.subject() == asked.subject() && call.data().contains(answer));
        let answered = answers.map(|call| call.began).min().ok_or(Doubt::NoAnswer)?;
        let between = || later().filter(|call| call.began < answered && call.is_about(file));
        let written = between().filter(|call| call.is(&OUT)).map(|call| call.ended).max();
        let written = written.ok_or(Doubt::NothingWritten)?;
        let waited_for = |call: &Call| {
            call.is(&SYNC) && call.began > written && call.ended < answered && call.arguments.ends_with("= 0")
        };
        if between().any(waited_for) { Ok(()) } else { Err(Doubt::NotWaitedFor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = r#"
7 recvfrom(14<socket:[31]>, "POST /v1/challenges HTTP/1.1\r\nhost: 127"..., 8192, 0, NULL, NULL) = 312
8 pwrite64(9</data/countersign.db-wal>, "\0\0"..., 24, 4128) = 24
8 pwrite64(9</data/countersign.db-wal>, "\r\0"..., 4096, 4152) = 4096
8 fdatasync(9</data/countersign.db-wal> <unfinished ...>
7 sendto(15<socket:[32]>, "HTTP/1.1 200 OK\r\n"..., 90, MSG_NOSIGNAL, NULL, 0) = 90
8 <... fdatasync resumed>) = 0
7 writev(14<socket:[31]>, [{iov_base="HTTP/1.1 201 Created\r\n"..., iov_len=120}], 1) = 120
8 +++ exited with 0 +++
"#;

    fn judge(record: &str) -> Result<(), Doubt> {
        Record::parse(record).durable_before_answer("POST /v1/challenges ", "HTTP/1.1 201", "countersign.db-wal")
    }

    /// The record without the lines that hold a word.
    fn without(word: &str) -> String {
        RIGHT.lines().filter(|line| !line.contains(word)).map(|line| format!("{line}\n")).collect()
    }

    /// The record with one line moved to just before another.
    fn moved(line: &str, before: &str) -> String {
        let line = RIGHT.lines().find(|one| one.contains(line)).unwrap();
        without(line).replacen(before, &format!("{line}\n{before}"), 1)
    }

    #[test]
    fn an_answer_after_the_disk_is_durable() {
        assert_eq!(judge(RIGHT), Ok(()));
        assert_eq!(judge(&RIGHT.replace("fdatasync", "fsync")), Ok(()));
        let waited = "7 recvfrom(14<socket:[31]>,  <unfinished ...>\n7 <... recvfrom resumed>\"POST";
        assert_eq!(judge(&RIGHT.replace("7 recvfrom(14<socket:[31]>, \"POST", waited)), Ok(()), "a read that waited");
        let pieces = "POST /v1/ch\", 11, 0, NULL, NULL) = 11\n7 recvfrom(14<socket:[31]>, \"allenges ";
        assert_eq!(judge(&RIGHT.replace("POST /v1/challenges ", pieces)), Ok(()), "two reads");
    }

    #[test]
    fn an_answer_before_the_disk_is_not() {
        assert_eq!(judge(&without("fdatasync")), Err(Doubt::NotWaitedFor));
        assert_eq!(judge(&moved("<... fdatasync", "8 +++")), Err(Doubt::NotWaitedFor), "it ends after the answer");
        assert_eq!(judge(&moved("8 fdatasync", "8 pwrite64")), Err(Doubt::NotWaitedFor), "it begins before the write");
        assert_eq!(judge(&RIGHT.replace("resumed>) = 0", "resumed>) = -1 EIO")), Err(Doubt::NotWaitedFor));
        assert_eq!(
            judge(&RIGHT.replace("fdatasync(9</data/countersign.db-wal>", "fdatasync(8</data/countersign.db>")),
            Err(Doubt::NotWaitedFor),
            "another file"
        );
        assert_eq!(judge(&moved("fdatasync(9", "7 recvfrom")), Err(Doubt::NotWaitedFor), "it began before the request");
    }

    #[test]
    fn what_is_not_there_is_said() {
        assert_eq!(judge(&without("recvfrom")), Err(Doubt::NoRequest));
        assert_eq!(judge(&without("writev")), Err(Doubt::NoAnswer));
        assert_eq!(judge(&RIGHT.replace("writev(14<socket:[31]>", "writev(16<socket:[33]>")), Err(Doubt::NoAnswer));
        assert_eq!(judge(&without("pwrite64")), Err(Doubt::NothingWritten));
        assert_eq!(judge(""), Err(Doubt::NoRequest));
    }
}
