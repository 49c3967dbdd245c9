//! Commands from any thread to the frame thread, and the answers back. The frame thread never waits.

use super::{Accepted, Catalogue, Command, CommandQueue, Refusal};
use crate::Rate;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Commands that may wait for the next frame to look at them.
const REQUESTS: usize = 256;
/// Commands that one frame looks at: the others wait, so that a flood costs every frame the same.
const A_FRAME: usize = 32;

/// A command as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What is to happen.
    pub command: Command,
    /// On which frame; `None` is the next one.
    pub at_frame: Option<u64>,
    /// Who says so, for the event list: "desk", "osc 192.168.1.20:53000".
    pub from: String,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It waits for its frame; another answer follows when that has come.
    Scheduled {
        /// Its frame.
        frame: u64,
    },
    /// It happened.
    Done {
        /// The frame on which it happened.
        frame: u64,
        /// How many frames after the one that was named: ticks were missed.
        late: u64,
    },
    /// It does not happen.
    Refused(Refusal),
}

/// An answer on the way to who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The number that the asker gave.
    pub ticket: u64,
    /// What became of the command.
    pub answer: Answer,
}

/// A command that happens on this frame, or one that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The command as it was given.
    pub asked: Asked,
    /// `Done` or `Refused`.
    pub answer: Answer,
}

/// Gives commands; clones give to the same stage.
#[derive(Debug, Clone)]
pub struct CommandPort {
    requests: SyncSender<Request>,
    next_frame: Arc<AtomicU64>,
    catalogue: Arc<Catalogue>,
}

/// The frame thread's end.
#[derive(Debug)]
pub struct CommandIntake {
    /// The lock is never contended: only `begin` takes it, through `&mut self`. It makes this `Sync`.
    requests: Mutex<Receiver<Request>>,
    queue: CommandQueue,
    /// Who waits for which accepted command.
    askers: BTreeMap<u64, Request>,
    next_frame: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Request {
    asked: Asked,
    reply: SyncSender<Answered>,
    ticket: u64,
    /// Set by an asker who no longer waits.
    gone: Option<Arc<AtomicBool>>,
}

/// An answer that is waited for. Dropping it before the stage has looked at the command takes the command back.
#[derive(Debug)]
pub struct Pending {
    answers: Receiver<Answered>,
    gone: Arc<AtomicBool>,
}

/// A port and its frame thread's end, for a stage's beat and what it has.
pub fn channel(rate: Rate, catalogue: Catalogue) -> (CommandPort, CommandIntake) {
    let (sender, receiver) = sync_channel(REQUESTS);
    let next_frame = Arc::new(AtomicU64::new(0));
    let port = CommandPort { requests: sender, next_frame: next_frame.clone(), catalogue: Arc::new(catalogue.clone()) };
    let queue = CommandQueue::new(rate, catalogue);
    (port, CommandIntake { requests: Mutex::new(receiver), queue, askers: BTreeMap::new(), next_frame })
}

impl CommandPort {
    /// Gives a command; the answers are waited for. Never waits itself.
    ///
    /// # Errors
    /// `Busy` or `Ended`; any other refusal comes as an answer.
    pub fn ask(&self, asked: Asked) -> Result<Pending, Refusal> {
        // Scheduled, then done.
        let (reply, answers) = sync_channel(2);
        let gone = Arc::new(AtomicBool::new(false));
        self.request(Request { asked, reply, ticket: 0, gone: Some(gone.clone()) })?;
        Ok(Pending { answers, gone })
    }

    /// Gives a command whose answers go to `reply` with `ticket`; answers for which `reply` has no room are lost.
    /// Never waits.
    ///
    /// # Errors
    /// `Busy` or `Ended`; any other refusal comes as an answer.
    pub fn send(&self, asked: Asked, reply: &SyncSender<Answered>, ticket: u64) -> Result<(), Refusal> {
        self.request(Request { asked, reply: reply.clone(), ticket, gone: None })
    }

    /// The first frame that has not begun; a command for it may come too late.
    pub fn next_frame(&self) -> u64 {
        self.next_frame.load(Ordering::Relaxed)
    }

    /// What can be named.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn request(&self, request: Request) -> Result<(), Refusal> {
        self.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy,
            TrySendError::Disconnected(_) => Refusal::Ended,
        })
    }
}

impl CommandIntake {
    /// Frame thread, as a frame begins: adds to `outcomes` what happens on it, in order, and what was refused. Never
    /// waits; looks at 32 new commands at most.
    pub fn begin(&mut self, frame: u64, outcomes: &mut Vec<Outcome>) {
        self.next_frame.store(frame.saturating_add(1), Ordering::Relaxed);
        for _ in 0..A_FRAME {
            let requests = self.requests.get_mut().unwrap_or_else(PoisonError::into_inner);
            let Ok(request) = requests.try_recv() else { break };
            if !request.is_gone() {
                self.take(request, frame, outcomes);
            }
        }
        let due: Vec<_> = self.queue.due(frame).collect();
        for due in due {
            let stale = self.queue.is_stale(due.late);
            let answer = match stale {
                true => Answer::Refused(Refusal::Jumped { asked: due.frame, now: frame }),
                false => Answer::Done { frame, late: due.late },
            };
            if let Some(asker) = self.askers.remove(&due.id) {
                asker.answer(answer.clone());
                outcomes.push(Outcome { asked: asker.asked, answer });
            }
        }
    }

    /// Commands that wait for their frames.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn take(&mut self, request: Request, frame: u64, outcomes: &mut Vec<Outcome>) {
        match self.queue.accept(request.asked.command.clone(), request.asked.at_frame, frame) {
            Ok(Accepted { id, frame: at }) => {
                if at > frame {
                    request.answer(Answer::Scheduled { frame: at });
                }
                self.askers.insert(id, request);
            }
            Err(refusal) => {
                // A command for the frame that just begins is in time; what is refused comes after it.
                let refusal = match refusal {
                    Refusal::Begun { asked, next } => Refusal::Begun { asked, next: next.saturating_add(1) },
                    other => other,
                };
                request.answer(Answer::Refused(refusal.clone()));
                outcomes.push(Outcome { asked: request.asked, answer: Answer::Refused(refusal) });
            }
        }
    }
}

impl Request {
    fn is_gone(&self) -> bool {
        self.gone.as_ref().is_some_and(|gone| gone.load(Ordering::Relaxed))
    }

    /// Who does not listen, or has no room, hears nothing.
    fn answer(&self, answer: Answer) {
        let _ = self.reply.try_send(Answered { ticket: self.ticket, answer });
    }
}

impl Pending {
    /// The next answer, if it has come. Never waits.
    pub fn try_answer(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok().map(|answered| answered.answer)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}
