//! Starting the program, and what a test needs to be run at all.

use libtest_mimic::{Completion, Failed, Trial};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock, PoisonError, RwLock,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes on the slowest machine; a program that hangs ends then.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a test needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing but the program.
    Nothing,
    /// A Vulkan adapter.
    Gpu,
    /// A Vulkan adapter, and no other test at the same time: something is moving in real time.
    GpuAlone,
    /// A Vulkan adapter and an X server to start.
    GpuAndXvfb,
}

/// Tests in real time hold it alone, all others share it.
static QUIET: RwLock<()> = RwLock::new(());

/// A test that is ignored where what it needs is missing.
pub fn trial(name: impl Into<String>, needs: Needs, check: impl FnOnce() + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || {
        if let Some((reason, is_failure)) = missing(needs) {
            let failed = || Failed::from(format!("{reason}, and this run must not go without"));
            return if is_failure { Err(failed()) } else { Ok(Completion::ignored_with(reason)) };
        }
        if needs == Needs::GpuAlone {
            let _alone = QUIET.write().unwrap_or_else(PoisonError::into_inner);
            check();
        } else {
            let _shared = QUIET.read().unwrap_or_else(PoisonError::into_inner);
            check();
        }
        Ok(Completion::Completed)
    })
}

/// What is missing, and whether that is a failure.
fn missing(needs: Needs) -> Option<(String, bool)> {
    let gpu = || crate::gpu::adapter_problem().map(|why| (format!("no Vulkan adapter: {why}"), required_gpu()));
    match needs {
        Needs::Nothing => None,
        Needs::Gpu | Needs::GpuAlone => gpu(),
        Needs::GpuAndXvfb => gpu().or_else(|| {
            let there = find_program("Xvfb").is_some();
            (!there).then(|| ("no Xvfb (Debian package xvfb)".into(), required_gpu() || in_ci()))
        }),
    }
}

fn required_gpu() -> bool {
    env::var_os("CYCLORAMA_REQUIRE_GPU").is_some_and(|value| !value.is_empty() && value != "0")
}

fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The program under test: in the target folder that this test came from.
pub fn program() -> PathBuf {
    let exe = env::current_exe().expect("a running test has a path");
    let folder = exe.ancestors().nth(2).expect("tests lie in target/PROFILE/deps");
    let program = folder.join(format!("cyclorama{}", env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is missing; build it first: cargo build -p cyclorama", program.display());
    program
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// A new folder of that name for one test; what an earlier run left there is gone.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("render").join(name.replace("::", "-"));
    match fs::remove_dir_all(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => panic!("{}: {error}", folder.display()),
    }
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// Writes a text file and returns its path.
pub fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// How a call of the program ended.
#[derive(Debug)]
pub struct Ended {
    /// The call, for messages.
    pub call: String,
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Fails with everything the program said unless the exit code is `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        let Self { call, stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "{call}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Fails unless standard error says each of `words`.
    #[track_caller]
    pub fn expect_says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "{}\ndoes not say {word:?}:\n{}", self.call, self.stderr);
        }
        self
    }
}

/// A call of the program.
pub struct Call(Command);

impl Call {
    /// `cyclorama COMMAND`, headless whatever the machine has.
    pub fn new(command: &str) -> Self {
        let mut call = Command::new(program());
        call.arg(command).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").stdin(Stdio::null());
        call.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(call)
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// An option with its value.
    pub fn option(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.arg(name).arg(value)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Ended {
        self.start().wait()
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let words = || std::iter::once(OsStr::new("cyclorama")).chain(self.0.get_args());
        let call = words().map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
        let mut child = self.0.spawn().unwrap_or_else(|error| panic!("{call}: {error}"));
        let (stdout, lines) = (child.stdout.take().expect("piped"), channel());
        let (stderr, errors) = (child.stderr.take().expect("piped"), channel());
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(lines.0.send(line));
            }
        });
        thread::spawn(move || {
            let mut text = Vec::new();
            drop(BufReader::new(stderr).read_to_end(&mut text));
            drop(errors.0.send(String::from_utf8_lossy(&text).into_owned()));
        });
        Running { call, child, lines: lines.1, errors: errors.1, said: String::new(), ended: false }
    }
}

/// A call that is going on; it is killed if the test fails meanwhile.
pub struct Running {
    call: String,
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    said: String,
    ended: bool,
}

impl Running {
    /// The next line on standard output, if one comes within `patience`.
    pub fn line(&mut self, patience: Duration) -> Option<String> {
        let line = self.lines.recv_timeout(patience).ok()?;
        self.said.push_str(&line);
        self.said.push('\n');
        Some(line)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        let kill = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(kill.is_ok_and(|status| status.success()), "{} could not be asked to end", self.call);
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push_str(&(line + "\n")),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("{} did not end within {PATIENCE:?}", self.call),
            }
        }
        let stderr = self.errors.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        let stderr = stderr.unwrap_or_else(|_| panic!("{} did not end within {PATIENCE:?}", self.call));
        let status = self.child.wait().unwrap_or_else(|error| panic!("{}: {error}", self.call));
        self.ended = true;
        Ended { call: self.call.clone(), code: status.code(), stdout: std::mem::take(&mut self.said), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// `cyclorama render` with the usual options; more may follow.
pub fn render(stage: &Path, input: &Path, environment: &Path, out: &Path) -> Call {
    Call::new("render").arg(stage).option("--input", input).option("--environment", environment).option("--out", out)
}

/// Every file in a folder, by name.
pub fn files(folder: &Path) -> Vec<(OsString, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> =
        entries.map(|entry| entry.unwrap()).map(|e| (e.file_name(), fs::read(e.path()).unwrap())).collect();
    files.sort();
    files
}

/// A value made once for all tests.
pub type Once<T> = OnceLock<T>;
