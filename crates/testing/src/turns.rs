use std::cell::RefCell;

/// Whose turn it is of two tasks, in one of the orders in which they can take turns.
#[derive(Debug)]
pub struct Turns(RefCell<Order>);

#[derive(Debug)]
struct Order {
    /// Which task begins, then whether the other one goes on.
    choices: Vec<bool>,
    /// Turns that were taken.
    taken: usize,
    whose: bool,
    /// So often the other one may still go on.
    switches_left: usize,
}

impl Turns {
    const fn new(choices: Vec<bool>, switches_max: usize) -> Self {
        Self(RefCell::new(Order {
            choices,
            taken: 0,
            whose: false,
            switches_left: switches_max,
        }))
    }

    /// The task that goes on next: 0 or 1.
    #[must_use]
    pub fn next(&self) -> usize {
        let mut order = self.0.borrow_mut();
        let turn = order.taken;
        order.taken += 1;
        if turn == order.choices.len() {
            order.choices.push(false);
        }
        if order.choices[turn] {
            order.whose = !order.whose;
            order.switches_left -= usize::from(turn > 0);
        }
        usize::from(order.whose)
    }
}

/// Runs what two tasks do, in every order in which they can take turns and in which one takes over from the other at most so often,
/// each once: turns are asked for as long as both of them go on. Gives how many orders there were.
pub fn in_every_order(switches_max: usize, run: impl Fn(&Turns)) -> usize {
    let mut choices = Vec::new();
    let mut orders = 0;
    loop {
        let turns = Turns::new(choices, switches_max);
        run(&turns);
        orders += 1;
        let order = turns.0.into_inner();
        choices = order.choices;
        choices.truncate(order.taken);
        let mut left = order.switches_left;
        // The next order differs as late as possible.
        loop {
            match choices.pop() {
                None => return orders,
                Some(true) => left += usize::from(!choices.is_empty()),
                Some(false) if left > 0 || choices.is_empty() => break,
                Some(false) => {}
            }
        }
        choices.push(true);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Faults, Task};

    /// What is seen of two tasks, of two and of three turns, in every order.
    fn seen(switches_max: usize) -> BTreeSet<String> {
        let seen = RefCell::new(BTreeSet::new());
        let orders = in_every_order(switches_max, |turns| {
            let faults = Faults::default();
            let log = RefCell::new(String::new());
            let task = |name: char, waits: usize| -> Task<'_, ()> {
                let (faults, log) = (&faults, &log);
                Box::pin(async move {
                    for _ in 0..waits {
                        log.borrow_mut().push(name);
                        faults.let_others_run().await;
                    }
                    log.borrow_mut().push(name);
                })
            };
            faults.interleave([task('a', 1), task('b', 2)], |_| turns.next());
            assert!(seen.borrow_mut().insert(log.into_inner()), "twice");
        });
        assert_eq!(orders, seen.borrow().len());
        seen.into_inner()
    }

    #[test]
    fn two_tasks_take_turns_in_every_order_once() {
        let all = seen(usize::MAX);
        assert_eq!(all.len(), 10, "{all:?}");
        assert!(all.contains("babab"));
    }

    #[test]
    fn one_takes_over_from_the_other_at_most_so_often() {
        // What is left when one has ended is no choice.
        assert_eq!(seen(0), ["aabbb", "bbbaa"].map(str::to_owned).into());
        let few = seen(1);
        assert!(few.contains("abbba") && few.contains("baabb"), "{few:?}");
        assert!(!few.contains("babab"), "{few:?}");
    }
}
