//! Files that are sealed in pieces as they are written, and opened as they are read.

use countersign_protocol::sealing::stream::{PIECE_LENGTH, StreamOpener, StreamSealer, TAG_LENGTH};
use std::fs::File;
use std::io::{BufReader, BufWriter, Error, ErrorKind, Read, Result, Write};
use zeroize::Zeroizing;

fn refused(refusal: countersign_protocol::Refusal) -> Error {
    Error::new(ErrorKind::InvalidData, refusal)
}

/// Where a backup goes.
pub(super) enum Out {
    /// As it is.
    Plain(BufWriter<File>),
    /// Sealed; with what does not fill a piece yet.
    Sealed(BufWriter<File>, Box<StreamSealer>, Zeroizing<Vec<u8>>),
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let (out, sealer, held) = match self {
            Self::Plain(out) => return out.write(bytes),
            Self::Sealed(out, sealer, held) => (out, sealer, held),
        };
        // Which piece is the last is known only at the end, so a full one is held until more comes.
        if held.len() == PIECE_LENGTH {
            out.write_all(&sealer.piece(held, false).map_err(refused)?)?;
            held.clear();
        }
        let taken = bytes.len().min(PIECE_LENGTH - held.len());
        held.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Out {
    /// Writes what is held, and waits for the disk.
    pub fn finish(self) -> Result<()> {
        let mut out = match self {
            Self::Plain(out) => out,
            Self::Sealed(mut out, mut sealer, held) => {
                out.write_all(&sealer.piece(&held, true).map_err(refused)?)?;
                out
            }
        };
        out.flush()?;
        out.get_ref().sync_all()
    }
}

/// Where a backup comes from.
pub(super) enum In {
    /// As it is.
    Plain(BufReader<File>),
    /// Sealed.
    Sealed(Box<Opened>),
}

/// Pieces that are opened one after the other.
pub(super) struct Opened {
    from: BufReader<File>,
    opener: StreamOpener,
    /// The next piece, as it lies in the file: whether anything follows it must be known to open it.
    next: Vec<u8>,
    open: Zeroizing<Vec<u8>>,
    read: usize,
}

impl Opened {
    pub fn new(mut from: BufReader<File>, opener: StreamOpener) -> Result<Self> {
        let next = piece(&mut from)?;
        Ok(Self { from, opener, next, open: Zeroizing::default(), read: 0 })
    }
}

/// As much of a file as a sealed piece is long; less only at its end.
fn piece(from: &mut impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PIECE_LENGTH + TAG_LENGTH);
    from.take((PIECE_LENGTH + TAG_LENGTH) as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Read for Opened {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if self.read == self.open.len() && !self.next.is_empty() {
            let following = piece(&mut self.from)?;
            let sealed = std::mem::replace(&mut self.next, following);
            self.open = Zeroizing::new(self.opener.piece(&sealed, self.next.is_empty()).map_err(refused)?);
            self.read = 0;
        }
        let taken = into.len().min(self.open.len() - self.read);
        into[..taken].copy_from_slice(&self.open[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}

impl Read for In {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(from) => from.read(into),
            Self::Sealed(from) => from.read(into),
        }
    }
}
