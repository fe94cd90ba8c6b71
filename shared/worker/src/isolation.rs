//! Runs the readers of untrusted files in a child process: the same program, with an argument.
//!
//! The child bounds its memory and its time before it reads. If it dies, this process survives, and
//! the job fails with a sentence.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use release_files::{
    WorkError,
    isolation::{Reader, in_process},
    progress::Progress,
};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use serde::de::IgnoredAny;

/// The address space of a child, in bytes. The largest PDF that is read as a whole takes a third.
const MAX_MEMORY_BYTES: u64 = 256 * 1024 * 1024;
/// The processor time of a child, in seconds.
const MAX_CPU_SECONDS: u64 = 10;
/// The time of a child from the end of its input: three times its processor time, for a function
/// with little memory, which has a share of a processor.
const MAX_TIME: Duration = Duration::from_secs(30);
/// The largest answer, in bytes. An NFO of 256 KiB, with its wrapped lines, takes less.
const MAX_ANSWER_BYTES: u64 = 4 * 1024 * 1024;
/// The time between two checks for a cancellation.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The bytes of input that are sent between two checks for a cancellation.
const CHUNK_BYTES: usize = 256 * 1024;
/// The exit code of a child that could not bound itself, and has read nothing.
const UNBOUNDED: u8 = 3;

/// Where the readers of untrusted files run.
#[derive(Clone, Debug)]
pub enum Isolation {
    /// In this process, without bounds: for tests.
    InProcess,
    /// In a child process of this program, which calls [`serve_reader`].
    Child(PathBuf),
}

impl Isolation {
    /// Runs readers in child processes of the running program, even if its file is replaced.
    #[must_use]
    pub fn own_program() -> Self {
        Self::Child("/proc/self/exe".into())
    }

    /// Runs a reader on an input and returns its answer.
    ///
    /// # Errors
    /// [`Reader::too_complex`] if the child exceeds its bounds or dies; [`WorkError::Stopped`]; or
    /// an I/O error of the input or of starting the child.
    pub fn run(
        &self,
        reader: Reader,
        input: &mut dyn Read,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, WorkError> {
        match self {
            Self::InProcess => in_process(reader, input, progress),
            Self::Child(program) => {
                let (mut running, mut stdin) = Running::start(program.as_os_str(), reader)?;
                send(input, &mut stdin, progress)?;
                drop(stdin);
                running.answer(progress)
            }
        }
    }
}

/// The end of a child.
enum End {
    Exited(ExitStatus, Vec<u8>),
    TimedOut,
}

/// A child at work. It is killed when this is dropped.
struct Running {
    child: Child,
    reader: Reader,
    output: Receiver<io::Result<Vec<u8>>>,
}

impl Running {
    fn start(program: &OsStr, reader: Reader) -> io::Result<(Self, ChildStdin)> {
        let mut child = Command::new(program)
            .arg(reader.name())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (sender, output) = mpsc::channel();
        let running = Self {
            child,
            reader,
            output,
        };
        let pipes = stdin.zip(stdout);
        let (stdin, stdout) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        thread::Builder::new().spawn(move || sender.send(receive(stdout)))?;
        Ok((running, stdin))
    }

    fn answer(&mut self, progress: &dyn Progress) -> Result<Vec<u8>, WorkError> {
        let reader = self.reader.name();
        match self.wait(progress)? {
            End::Exited(status, answer) if status.success() => {
                if serde_json::from_slice::<IgnoredAny>(&answer).is_err() {
                    tracing::warn!(reader, "a reader's answer is cut or garbled");
                }
                return Ok(answer);
            }
            End::Exited(status, _) if status.code() == Some(UNBOUNDED.into()) => {
                return Err(io::Error::other("a reader could not limit itself").into());
            }
            End::Exited(status, _) => tracing::warn!(reader, %status, "a reader died"),
            End::TimedOut => tracing::warn!(reader, "a reader timed out"),
        }
        Err(self.reader.too_complex().into())
    }

    /// Waits for the child's end, and checks for a cancellation meanwhile.
    fn wait(&mut self, progress: &dyn Progress) -> Result<End, WorkError> {
        let started = Instant::now();
        let answer = loop {
            progress.check_cancelled()?;
            match self.output.recv_timeout(POLL_INTERVAL) {
                Ok(answer) => break answer?,
                Err(RecvTimeoutError::Timeout) if started.elapsed() < MAX_TIME => {}
                Err(_) => return Ok(End::TimedOut),
            }
        };
        // It has closed its output, so it ends now; one that does not is killed.
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(End::Exited(status, answer));
            }
            if started.elapsed() > MAX_TIME {
                return Ok(End::TimedOut);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends the input. A child that has died does not take all of it; its status tells why.
fn send(
    input: &mut dyn Read,
    stdin: &mut ChildStdin,
    progress: &dyn Progress,
) -> Result<(), WorkError> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        progress.check_cancelled()?;
        let count = input.read(&mut buffer)?;
        match stdin.write_all(&buffer[..count]) {
            Ok(()) if count > 0 => {}
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            Ok(()) | Err(_) => return Ok(()),
        }
    }
}

fn receive(stdout: ChildStdout) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Serves as the child that an [`Isolation`] starts with this argument: bounds this process, reads
/// the input from the standard input and writes the answer to the standard output. Returns `None`
/// if the argument names no reader.
#[must_use]
pub fn serve_reader(argument: &str) -> Option<ExitCode> {
    let reader = Reader::ALL.into_iter().find(|one| one.name() == argument)?;
    if limit_process().is_err() {
        return Some(ExitCode::from(UNBOUNDED));
    }
    let served = reader
        .answer(&mut io::stdin().lock())
        .and_then(|answer| io::stdout().lock().write_all(&answer));
    Some(served.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}

/// Bounds this process, and ends it with its parent.
fn limit_process() -> rustix::io::Result<()> {
    let limit = |value| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(Resource::As, limit(MAX_MEMORY_BYTES))?;
    setrlimit(Resource::Cpu, limit(MAX_CPU_SECONDS))?;
    setrlimit(Resource::Core, limit(0))?;
    set_parent_process_death_signal(Some(Signal::KILL))
}
