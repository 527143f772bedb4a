//! What a request pays for its limits: `cargo run --release -p trunkline --example limits_speed`.
//!
//! Each thread takes from a user's bucket and from the tenant's, as each request does; once every thread for users of its own, once all of
//! them for the same one, which is as much contention as there can be.

use std::sync::Arc;
use std::time::Instant;

use trunkline::limits::{Ask, Class, InMemory, Quota, RateLimiter, Subject};
use trunkline_db::{TenantId, UserId};

const ROUNDS: u32 = 500_000;

fn main() {
    for threads in [1, 2, 4] {
        for shared in [false, true] {
            let limiter = Arc::new(InMemory::new());
            let (tenant, user) = (TenantId::new(), UserId::new());
            let begun = Instant::now();
            let workers: Vec<_> = (0..threads)
                .map(|_| {
                    let limiter = Arc::clone(&limiter);
                    let (tenant, user) = if shared { (tenant, user) } else { (TenantId::new(), UserId::new()) };
                    std::thread::spawn(move || work(&limiter, tenant, user))
                })
                .collect();
            for worker in workers {
                worker.join().expect("it does not panic");
            }
            let each = begun.elapsed().as_nanos() / u128::from(ROUNDS * threads);
            let whose = if shared { "one user" } else { "own users" };
            println!("{threads} threads, {whose}: {each} ns a request");
        }
    }
}

fn work(limiter: &InMemory, tenant: TenantId, user: UserId) {
    let quota = Quota::per_second(1_000_000);
    let asks =
        [Subject::User(tenant, user), Subject::Tenant(tenant)].map(|subject| Ask { class: Class::Api, subject, quota });
    for _ in 0..ROUNDS {
        let _ = limiter.take(&asks);
    }
}
