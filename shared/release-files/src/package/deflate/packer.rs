//! Packs blocks on several threads.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};

use super::block::{Block, BlockPacker, Packed};

/// The largest number of threads: Lambda's largest function has six cores (AWS Lambda Developer
/// Guide, "Configure Lambda function memory").
const MAX_THREADS: usize = 6;

/// A block and where to send it when it is packed.
type Order = (Block, SyncSender<io::Result<Packed>>);

/// Packs blocks on a thread for each core. The threads end with it.
pub struct Packer {
    orders: Sender<Order>,
    threads: usize,
}

/// A block that is being packed.
pub struct Pending(Receiver<io::Result<Packed>>);

impl Packer {
    /// Starts a thread for each core.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(level: u32) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(level, cores.min(MAX_THREADS))
    }

    /// Starts this many threads.
    pub fn with_threads(level: u32, threads: usize) -> io::Result<Self> {
        let (orders, taken) = channel();
        let taken = Arc::new(Mutex::new(taken));
        for _ in 0..threads {
            let taken = Arc::clone(&taken);
            let thread = thread::Builder::new().name("deflate".to_owned());
            thread.spawn(move || work(level, &taken))?;
        }
        Ok(Self { orders, threads })
    }

    /// The number of steps of an archive that keep every thread at work while the first is waited
    /// for. Some are no blocks.
    pub fn capacity(&self) -> usize {
        4 * self.threads
    }

    /// Starts to pack a block.
    ///
    /// # Errors
    /// If all threads have ended.
    pub fn pack(&self, block: Block) -> io::Result<Pending> {
        let (packed, pending) = sync_channel(1);
        let sent = self.orders.send((block, packed));
        sent.map_err(|_| io::Error::other("no thread packs blocks"))?;
        Ok(Pending(pending))
    }
}

impl Pending {
    /// Waits for the block.
    pub fn wait(self) -> io::Result<Packed> {
        let ended = |_| io::Error::other("a thread ended without its block");
        self.0.recv().map_err(ended)?
    }
}

/// Packs blocks until the packer is dropped.
fn work(level: u32, orders: &Mutex<Receiver<Order>>) {
    let mut packer = BlockPacker::new(level);
    loop {
        let next = orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((block, answer)) = next else {
            return;
        };
        // Nobody waits for the blocks of a dropped archive.
        let _ = answer.send(packer.pack(block));
    }
}
