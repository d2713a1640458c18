use std::net::{IpAddr, Ipv4Addr};

use super::*;

const KIBIBYTE: u64 = 1 << 10;

fn connections(connections_max: usize) -> Connections {
    let limits = Limits {
        unread_bytes: 64 * KIBIBYTE,
        ..Limits::default()
    };
    Connections::new(&limits, connections_max, true, Arc::new(Metrics::default()))
}

fn client(last: u8) -> Client {
    IpAddr::from(Ipv4Addr::new(192, 0, 2, last)).into()
}

/// A connection that is let in at once.
#[track_caller]
fn enter(connections: &Connections, last: u8) -> OccupiedSlot {
    match connections.0.enter(client(last)) {
        Entrance::Open(slot) => slot,
        Entrance::Refused | Entrance::Wait => panic!("no slot for {last}"),
    }
}

fn cut(slots: &[OccupiedSlot]) -> Vec<usize> {
    let is_cut = |(number, slot): (usize, &OccupiedSlot)| slot.0.is_cut().then_some(number);
    slots.iter().enumerate().filter_map(is_cut).collect()
}

#[test]
fn only_idle_connections_are_cut_when_places_run_out() {
    let connections = connections(4);
    let mut slots: Vec<OccupiedSlot> = (0..4).map(|last| enter(&connections, last)).collect();
    for slot in &slots[..3] {
        slot.0.works();
    }
    let newcomer = enter(&connections, 9);
    assert_eq!(cut(&slots), [3]);
    drop(slots.pop());
    newcomer.0.works();
    assert!(matches!(connections.0.enter(client(10)), Entrance::Wait));
    assert_eq!(cut(&slots), [] as [usize; 0]);
    slots[1].0.rests();
    drop(enter(&connections, 10));
    assert_eq!(cut(&slots), [1]);
}

#[test]
fn the_client_with_most_connections_loses_its_oldest() {
    let connections = connections(12);
    let few = [enter(&connections, 1), enter(&connections, 2)];
    let many: Vec<OccupiedSlot> = (0..10)
        .map(|number| enter(&connections, 3 + number / 3))
        .collect();
    // Clients 3, 4 and 5 have three each.
    enter(&connections, 9);
    assert_eq!(cut(&few), [] as [usize; 0]);
    let [gone] = cut(&many)[..] else {
        panic!("one goes")
    };
    assert!(gone < 9);
}

#[test]
fn one_client_has_at_most_its_share_of_the_connections() {
    let connections = connections(4 * CLIENT_SHARE);
    let slots: Vec<OccupiedSlot> = (0..4).map(|_| enter(&connections, 1)).collect();
    for slot in &slots {
        slot.0.works();
    }
    assert!(matches!(connections.0.enter(client(1)), Entrance::Refused));
    let _other = enter(&connections, 2);
    slots[2].0.rests();
    let _newcomer = enter(&connections, 1);
    assert_eq!(cut(&slots), [2]);
}

#[test]
fn a_place_is_free_again_when_its_connection_has_ended() {
    let connections = connections(2);
    for _ in 0..10 {
        enter(&connections, 1).0.works();
    }
    assert_eq!(connections.0.lock().total.connections, 0);
    assert!(connections.0.lock().clients.is_empty());
}

#[test]
fn answers_left_unread_for_longest_are_cut_off() {
    let connections = connections(100);
    let slots: Vec<OccupiedSlot> = (0..5).map(|last| enter(&connections, last)).collect();
    for slot in &slots[..4] {
        slot.0.has_unread(16 * KIBIBYTE);
    }
    assert_eq!(cut(&slots), [] as [usize; 0]);
    slots[1].0.has_unread(0);
    slots[1].0.has_unread(16 * KIBIBYTE);
    slots[4].0.has_unread(KIBIBYTE);
    // Of those that have most, one that began first.
    let [gone] = cut(&slots)[..] else {
        panic!("one goes")
    };
    assert!(gone < 4);
    let unread = connections.0.lock().total.bytes.get(Budget::Unread);
    assert_eq!(unread, (3 * 16 + 1) * KIBIBYTE);
    // One client alone does not get so far.
    let greedy = [enter(&connections, 9), enter(&connections, 9)];
    greedy[0].0.has_unread(10 * KIBIBYTE);
    greedy[1].0.has_unread(10 * KIBIBYTE);
    assert_eq!(cut(&greedy).len(), 1);
}

#[test]
fn memory_moves_with_a_connection_to_its_next_client() {
    let connections = connections(100);
    let slot = enter(&connections, 1);
    slot.0.has_unread(KIBIBYTE);
    slot.0.belongs_to(client(2));
    let open = connections.0.lock();
    assert_eq!(open.of(client(1)).bytes.get(Budget::Unread), 0);
    assert_eq!(open.of(client(2)).bytes.get(Budget::Unread), KIBIBYTE);
    assert_eq!(open.clients.len(), 1);
    assert_eq!(open.total.connections, 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_learns_it_before_and_after() {
    let connections = connections(1);
    let slot = enter(&connections, 1);
    let _newcomer = enter(&connections, 2);
    slot.0.cut().await;
    assert!(slot.0.is_cut());
    let mut hold = slot.0.hold(Budget::SmallBodies);
    assert_eq!(hold.grow_to(KIBIBYTE), Err(Cut));
}
