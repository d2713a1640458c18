//! Tables `hashing_turns` and `hashing_pace`.

use mercato_sql::{Row, params};

use super::{Records, damaged};
use crate::application::Error;
use crate::domain::{Lane, Turn, TurnRecord};

const SELECT_TURNS: &str = "
    SELECT id, client_hash, lane, is_waiting, since, expires_at
    FROM hashing_turns
    ORDER BY id -- plan: a line of bounded length";

const INSERT_TURN: &str = "
    INSERT INTO hashing_turns (client_hash, lane, is_waiting, since, expires_at)
    VALUES (?, ?, ?, ?, ?)
    RETURNING id";

const UPDATE_TURN: &str = "
    UPDATE hashing_turns
    SET client_hash = ?, lane = ?, is_waiting = ?, since = ?, expires_at = ?
    WHERE id = ?";

const DELETE_TURN: &str = "
    DELETE FROM hashing_turns
    WHERE id = ?";

const DELETE_GONE_TURNS: &str = "
    DELETE FROM hashing_turns
    WHERE expires_at <= ? -- plan: a line of bounded length";

const SELECT_HELD_MS: &str = "
    SELECT held_ms
    FROM hashing_pace";

const UPDATE_HELD_MS: &str = "
    UPDATE hashing_pace
    SET held_ms = ?";

impl Records<'_> {
    /// Everybody who hashes or waits, in the order in which they came. Bounded: see [`Line`](crate::domain::Line).
    pub fn turns(&self) -> Result<Vec<Turn>, Error> {
        self.all(SELECT_TURNS, params![], turn)
    }

    /// Replaces the turn of that number, or adds one that has none; returns its number.
    pub fn save_turn(&self, turn: &Turn) -> Result<u64, Error> {
        let turn = turn.record();
        let values = params![
            &turn.client,
            lane_number(turn.lane),
            turn.is_waiting,
            turn.since,
            turn.expires_at,
        ];
        let Some(id) = turn.id else {
            return self.number(INSERT_TURN, values, "id");
        };
        self.execute(UPDATE_TURN, &[values.as_slice(), params![id]].concat())?;
        Ok(id)
    }

    /// Forgets the turn of that number.
    pub fn remove_turn(&self, id: u64) -> Result<(), Error> {
        self.execute(DELETE_TURN, params![id])
    }

    /// Forgets the turns that have gone at `now` (milliseconds since the Unix epoch).
    pub fn forget_turns(&self, now: u64) -> Result<(), Error> {
        self.execute(DELETE_GONE_TURNS, params![now])
    }

    /// How long a slot is held on average, in milliseconds; 0 when that is not known.
    pub fn held_ms(&self) -> Result<u64, Error> {
        self.number(SELECT_HELD_MS, params![], "held_ms")
    }

    /// Replaces that average.
    pub fn save_held_ms(&self, held_ms: u64) -> Result<(), Error> {
        self.execute(UPDATE_HELD_MS, params![held_ms])
    }
}

fn turn(row: &Row) -> Result<Turn, Error> {
    Ok(Turn::restore(TurnRecord {
        id: row.get("id")?,
        client: row.get("client_hash")?,
        lane: match row.get::<u32>("lane")? {
            0 => Lane::Open,
            1 => Lane::Familiar,
            2 => Lane::Admin,
            _ => return Err(damaged("lane", "must be 0, 1 or 2")),
        },
        is_waiting: row.get("is_waiting")?,
        since: row.get("since")?,
        expires_at: row.get("expires_at")?,
    }))
}

const fn lane_number(lane: Lane) -> u32 {
    match lane {
        Lane::Open => 0,
        Lane::Familiar => 1,
        Lane::Admin => 2,
    }
}
