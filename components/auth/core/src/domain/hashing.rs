//! Whose password is hashed next. Hashing is slow on purpose, so few are hashed at a time, few wait, and the others are refused
//! at once: see docs/decisions/0037.

/// Longest wait for a slot, in milliseconds. The line is as long as can be served in that time.
pub const SLOT_WAIT_MAX_MS: u64 = 5_000;

/// Longest line, however fast hashing is.
pub const LINE_MAX: u64 = 64;

/// A place in the line that its request does not renew goes after so many milliseconds: the client may have left.
pub const PLACE_MS: u64 = 2_000;

/// A place is renewed when it would go within so many milliseconds.
pub const PLACE_RENEWED_MS: u64 = 1_000;

/// A slot that is not given back goes after so many times the average: its request was cut off.
const SLOT_AVERAGES: u64 = 8;

/// But not sooner than after so many milliseconds.
pub const SLOT_MIN_MS: u64 = 3_000;

/// And not later than after so many milliseconds, which is also when the average is not known.
pub const SLOT_MAX_MS: u64 = 60_000;

/// Shortest and longest pause between two looks at the line, in milliseconds.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 10..=50;

/// Who waits looks so many times while a slot is held: a free slot is of no use to anybody until it is seen.
const LOOKS_PER_SLOT: u64 = 8;

/// Retry-After of a refusal, in seconds.
const RETRY_SECONDS: std::ops::RangeInclusive<u64> = 1..=10;

/// A client may have so many quarters of the line.
const LINE_SHARE_QUARTERS: u64 = 3;

/// Weight of what was known in the average time that a slot is held; the newest has weight 1.
const AVERAGE_WEIGHT: u64 = 7;

const MS_PER_SECOND: u64 = 1_000;

/// Which slots a request may use. Who has an account is seen by none of them: a client is familiar to an account only after a
/// login there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The open slots: everybody, with or without an account.
    Open,
    /// Also those that are kept for clients that are familiar to the account.
    Familiar,
    /// Also those that are kept for admins at clients that are familiar to them.
    Admin,
}

/// How many passwords are hashed at a time, by lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// For everybody; 0 means that nobody ever waits.
    pub open: u64,
}

impl Slots {
    /// The slots of a lane beside those of the lanes below it.
    const fn of(self, lane: Lane) -> u64 {
        match lane {
            Lane::Open => self.open,
            // Half as many, and at least one.
            Lane::Familiar | Lane::Admin => self.open.div_ceil(2),
        }
    }
}

/// A slot that is taken, or a place in the line. Only its methods change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn(TurnRecord);

/// What is stored of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRecord {
    /// Its number; none before it is stored.
    pub id: Option<u64>,
    /// Whose it is: a hash of the client's network, empty where it is not known.
    pub client: String,
    /// The lane of the slot, or of the request that waits.
    pub lane: Lane,
    /// Whether it waits still.
    pub is_waiting: bool,
    /// When it began, in milliseconds since the Unix epoch.
    pub since: u64,
    /// When it goes by itself, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

impl Turn {
    /// A place in the line at `now`, of a request that has waited since then (both in milliseconds since the Unix epoch); it keeps
    /// the number of the place that the request has already.
    #[must_use]
    pub const fn wait(id: Option<u64>, client: String, lane: Lane, since: u64, now: u64) -> Self {
        Self(TurnRecord {
            id,
            client,
            lane,
            is_waiting: true,
            since,
            expires_at: now.saturating_add(PLACE_MS),
        })
    }

    /// The turn as it was stored; for the store alone.
    #[must_use]
    pub const fn restore(record: TurnRecord) -> Self {
        Self(record)
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &TurnRecord {
        &self.0
    }

    /// The number under which it is stored; none before it is.
    #[must_use]
    pub const fn id(&self) -> Option<u64> {
        self.0.id
    }

    /// The place turned into a slot of that lane, at `now` (milliseconds since the Unix epoch), where slots are held for
    /// `held_ms` on average.
    #[must_use]
    pub fn take_slot(self, lane: Lane, now: u64, held_ms: u64) -> Self {
        Self(TurnRecord {
            lane,
            is_waiting: false,
            since: now,
            expires_at: now.saturating_add(slot_ms(held_ms)),
            ..self.0
        })
    }

    /// Whether it has gone by itself at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub const fn has_gone(&self, now: u64) -> bool {
        self.0.expires_at <= now
    }

    /// Whether a place goes soon unless it is renewed, at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub const fn is_to_be_renewed(&self, now: u64) -> bool {
        self.0.expires_at.saturating_sub(now) < PLACE_RENEWED_MS
    }
}

/// A place in the line, which a request keeps while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of its turn.
    pub id: u64,
    /// The lane that the request may use.
    pub lane: Lane,
    /// When it began to wait, in milliseconds since the Unix epoch.
    pub since: u64,
    /// How long to wait before the next look, in milliseconds.
    pub pause_ms: u64,
}

impl Place {
    /// Whether its request has waited for as long as any may, at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub const fn is_given_up(&self, now: u64) -> bool {
        now.saturating_sub(self.since) >= SLOT_WAIT_MAX_MS
    }
}

/// Who asks for a slot.
#[derive(Debug, Clone, Copy)]
pub struct Applicant<'a> {
    /// A hash of the client's network, empty where it is not known.
    pub client: &'a str,
    /// The lane it may use.
    pub lane: Lane,
    /// Its place in the line, if it has one.
    pub place: Option<u64>,
}

/// What becomes of an applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Hashes, in a slot of that lane.
    Hash(Lane),
    /// Waits and looks again after so many milliseconds.
    Wait(u64),
    /// Comes back after so many seconds, at least 1.
    Refuse(u64),
}

/// Everybody who hashes or waits, and how long it takes.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Slots and places that have not gone.
    pub turns: &'a [Turn],
    /// How many slots there are.
    pub slots: Slots,
    /// How long a slot was held on average, in milliseconds; 0 when that is not known.
    pub held_ms: u64,
}

impl Line<'_> {
    /// What becomes of an applicant.
    #[must_use]
    pub fn decide(&self, applicant: Applicant<'_>) -> Decision {
        if self.slots.open == 0 {
            return Decision::Hash(Lane::Open);
        }
        let lanes = [Lane::Open, Lane::Familiar, Lane::Admin].into_iter();
        let mut usable = lanes.filter(|lane| *lane <= applicant.lane);
        if let Some(lane) = usable.find(|lane| self.may_take(*lane, applicant)) {
            return Decision::Hash(lane);
        }
        if applicant.place.is_some() || self.has_room_for(applicant) {
            let pause = self.held_ms / LOOKS_PER_SLOT;
            return Decision::Wait(pause.clamp(*PAUSE_MS.start(), *PAUSE_MS.end()));
        }
        let next_ms = self.held_ms / self.slots.of(applicant.lane).max(1);
        let seconds = next_ms.div_ceil(MS_PER_SECOND);
        Decision::Refuse(seconds.clamp(*RETRY_SECONDS.start(), *RETRY_SECONDS.end()))
    }

    fn turns(&self) -> impl Iterator<Item = &TurnRecord> {
        self.turns.iter().map(Turn::record)
    }

    /// Whether a slot of the lane is free and nobody who may use it goes first: those of clients that hold fewer do, and of
    /// those that hold as many, those who wait already.
    fn may_take(&self, lane: Lane, applicant: Applicant<'_>) -> bool {
        let taken = |client: Option<&str>| {
            let held = self.turns().filter(|turn| {
                !turn.is_waiting && turn.lane == lane && client.is_none_or(|one| turn.client == one)
            });
            held.count() as u64
        };
        let own = taken(Some(applicant.client));
        let goes_first = |turn: &TurnRecord| {
            let others = taken(Some(&turn.client));
            others < own || (others == own && applicant.place.is_none())
        };
        let mut waiting = self.turns().filter(|turn| {
            let is_own = applicant.place.is_some() && turn.id == applicant.place;
            turn.is_waiting && turn.lane >= lane && !is_own
        });
        taken(None) < self.slots.of(lane) && !waiting.any(goes_first)
    }

    /// Whether the line of the applicant's lane is short enough, and the client's share of it.
    fn has_room_for(&self, applicant: Applicant<'_>) -> bool {
        let served = SLOT_WAIT_MAX_MS.saturating_mul(self.slots.of(applicant.lane));
        let capacity = served
            .checked_div(self.held_ms)
            .unwrap_or(LINE_MAX)
            .clamp(1, LINE_MAX);
        let share = (capacity * LINE_SHARE_QUARTERS / 4).max(1);
        let waiting = || {
            let turns = self.turns();
            turns.filter(|turn| turn.is_waiting && turn.lane == applicant.lane)
        };
        let own = waiting().filter(|turn| turn.client == applicant.client);
        (waiting().count() as u64) < capacity && (own.count() as u64) < share
    }
}

/// When a slot that is not given back goes, in milliseconds after it was taken: soon after a crash others must be let in.
#[must_use]
pub fn slot_ms(held_ms: u64) -> u64 {
    if held_ms == 0 {
        return SLOT_MAX_MS;
    }
    held_ms
        .saturating_mul(SLOT_AVERAGES)
        .clamp(SLOT_MIN_MS, SLOT_MAX_MS)
}

/// The average time that a slot is held, when one was held for so many milliseconds.
#[must_use]
pub const fn average_ms(known_ms: u64, held_ms: u64) -> u64 {
    if known_ms == 0 {
        held_ms
    } else {
        known_ms
            .saturating_mul(AVERAGE_WEIGHT)
            .saturating_add(held_ms)
            / (AVERAGE_WEIGHT + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: Slots = Slots { open: 2 };

    fn turn(id: u64, client: &str, lane: Lane, is_waiting: bool) -> Turn {
        Turn(TurnRecord {
            id: Some(id),
            client: client.to_owned(),
            lane,
            is_waiting,
            since: 0,
            expires_at: u64::MAX,
        })
    }

    fn hashing(id: u64, client: &str, lane: Lane) -> Turn {
        turn(id, client, lane, false)
    }

    fn waiting(id: u64, client: &str) -> Turn {
        turn(id, client, Lane::Open, true)
    }

    fn decide(turns: &[Turn], client: &str, lane: Lane, place: Option<u64>) -> Decision {
        let line = Line {
            turns,
            slots: SLOTS,
            held_ms: 1_000,
        };
        let applicant = Applicant {
            client,
            lane,
            place,
        };
        line.decide(applicant)
    }

    fn two_hash() -> Vec<Turn> {
        vec![hashing(1, "a", Lane::Open), hashing(2, "a", Lane::Open)]
    }

    #[test]
    fn everybody_may_use_the_open_slots_while_one_is_free() {
        let one = [hashing(1, "a", Lane::Open)];
        for lane in [Lane::Open, Lane::Familiar, Lane::Admin] {
            assert_eq!(decide(&[], "a", lane, None), Decision::Hash(Lane::Open));
            assert_eq!(decide(&one, "a", lane, None), Decision::Hash(Lane::Open));
        }
        assert_eq!(
            decide(&two_hash(), "a", Lane::Open, None),
            Decision::Wait(50)
        );
    }

    #[test]
    fn some_slots_are_kept_for_the_familiar_and_one_for_admins() {
        let mut turns = two_hash();
        let familiar = Decision::Hash(Lane::Familiar);
        assert_eq!(decide(&turns, "a", Lane::Familiar, None), familiar);
        assert_eq!(decide(&turns, "a", Lane::Admin, None), familiar);
        turns.push(hashing(3, "a", Lane::Familiar));
        assert_eq!(
            decide(&turns, "a", Lane::Familiar, None),
            Decision::Wait(50)
        );
        let admin = Decision::Hash(Lane::Admin);
        assert_eq!(decide(&turns, "a", Lane::Admin, None), admin);
        turns.push(hashing(4, "a", Lane::Admin));
        assert_eq!(decide(&turns, "a", Lane::Admin, None), Decision::Wait(50));
    }

    #[test]
    fn the_line_is_as_long_as_can_be_served_in_time() {
        let mut turns = two_hash();
        // Two slots of one second each serve ten in five seconds, and a client may have three quarters of that.
        for id in 10..17 {
            assert_eq!(decide(&turns, "a", Lane::Open, None), Decision::Wait(50));
            turns.push(waiting(id, "a"));
        }
        assert_eq!(decide(&turns, "a", Lane::Open, None), Decision::Refuse(1));
        for id in 17..20 {
            assert_eq!(decide(&turns, "b", Lane::Open, None), Decision::Wait(50));
            turns.push(waiting(id, "b"));
        }
        assert_eq!(decide(&turns, "c", Lane::Open, None), Decision::Refuse(1));
        assert_eq!(
            decide(&turns, "a", Lane::Open, Some(12)),
            Decision::Wait(50)
        );
        let familiar = Decision::Hash(Lane::Familiar);
        assert_eq!(decide(&turns, "a", Lane::Familiar, None), familiar);
    }

    #[test]
    fn a_client_that_holds_fewer_slots_goes_first() {
        let turns = [
            hashing(1, "a", Lane::Open),
            waiting(2, "a"),
            waiting(3, "b"),
        ];
        let hash = Decision::Hash(Lane::Open);
        assert_eq!(decide(&turns, "a", Lane::Open, Some(2)), Decision::Wait(50));
        assert_eq!(decide(&turns, "b", Lane::Open, Some(3)), hash);
        assert_eq!(decide(&turns[..2], "a", Lane::Open, Some(2)), hash);
    }

    #[test]
    fn whoever_comes_later_does_not_pass_those_who_wait() {
        let turns = [waiting(1, "a")];
        assert_eq!(decide(&turns, "b", Lane::Open, None), Decision::Wait(50));
        assert_eq!(decide(&turns, "a", Lane::Open, None), Decision::Wait(50));
        let hash = Decision::Hash(Lane::Open);
        assert_eq!(decide(&turns, "a", Lane::Open, Some(1)), hash);
    }

    #[test]
    fn without_slots_nobody_waits() {
        let turns = two_hash();
        let line = Line {
            turns: &turns,
            slots: Slots { open: 0 },
            held_ms: 1_000,
        };
        let applicant = Applicant {
            client: "a",
            lane: Lane::Open,
            place: None,
        };
        assert_eq!(line.decide(applicant), Decision::Hash(Lane::Open));
    }

    #[test]
    fn a_place_goes_unless_it_is_renewed_and_a_slot_lasts_longer() {
        let place = Turn::wait(Some(7), "a".to_owned(), Lane::Familiar, 500, 1_000);
        assert!(!place.is_to_be_renewed(2_000) && place.is_to_be_renewed(2_001));
        assert!(!place.has_gone(2_999) && place.has_gone(3_000));
        let slot = place.take_slot(Lane::Open, 2_000, 1_000);
        assert_eq!((slot.id(), slot.record().lane), (Some(7), Lane::Open));
        assert!(!slot.has_gone(9_999) && slot.has_gone(10_000));
    }

    #[test]
    fn the_average_follows_what_was_held() {
        assert_eq!(average_ms(0, 400), 400);
        assert_eq!(average_ms(400, 400), 400);
        assert_eq!(average_ms(800, 0), 700);
        let slots = [0, 5, 1_000, 100_000].map(slot_ms);
        assert_eq!(slots, [SLOT_MAX_MS, SLOT_MIN_MS, 8_000, SLOT_MAX_MS]);
    }
}
