//! Primes for RSA keys. Candidates lie one after the other behind a random number; those that a small
//! prime divides are sieved out, the others have to pass a test to base 2, which is the cheapest there is
//! (it only squares and doubles), and then one to random bases.

use std::sync::LazyLock;

use super::montgomery::Modulus;
use crate::options::RandomSource;

/// Candidates that a smaller prime divides are not tested: one in 20 odd numbers is left.
const SMALL: usize = 1 << 16;
/// Tests to random bases. For random candidates of 476 bits and more, five make a mistake less likely
/// than 2⁻¹²⁸ (FIPS 186-5, B.3.1).
const ROUNDS: usize = 5;

/// A prime of `limbs` times 64 bits with its two highest bits set, lowest limb first. Nothing if the
/// source gives no usable numbers.
pub(super) fn random_prime(random: &dyn RandomSource, limbs: usize) -> Option<Vec<u64>> {
    // Among so many odd numbers of n bits there is a prime but for one time in 10⁹.
    let span = limbs * 64 * 8;
    (0..4).find_map(|_| {
        let mut start = random_limbs(random, limbs);
        start[0] |= 1;
        start[limbs - 1] |= 0b11 << 62;
        let sieve = Sieve::new(&start, span);
        let candidates = sieve.left().map(|position| plus(&start, 2 * position as u64));
        candidates.flatten().find(|candidate| is_prime(candidate, random))
    })
}

fn random_limbs(random: &dyn RandomSource, count: usize) -> Vec<u64> {
    let mut bytes = vec![0; 8 * count];
    random.fill(&mut bytes);
    bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()
}

/// The sum, unless it has a limb more.
fn plus(number: &[u64], small: u64) -> Option<Vec<u64>> {
    let mut sum = number.to_vec();
    let mut carry = small;
    for limb in &mut sum {
        let (low, is_over) = limb.overflowing_add(carry);
        *limb = low;
        carry = u64::from(is_over);
    }
    (carry == 0).then_some(sum)
}

/// Whether an odd number with its highest bit set is prime (Miller and Rabin).
fn is_prime(number: &[u64], random: &dyn RandomSource) -> bool {
    let modulus = Modulus::new(number);
    let mut less_one = number.to_vec();
    less_one[0] -= 1;
    let twos = trailing_zeros(&less_one);
    let odd_part = shifted_right(&less_one, twos);
    let passes = |power| is_one_on_the_way(&modulus, power, twos);
    passes(modulus.power_of_two(&odd_part))
        && (0..ROUNDS).all(|_| {
            // A random number stands for a random base as well: it is read as one in Montgomery's form.
            let mut base = random_limbs(random, number.len());
            modulus.reduce_once(&mut base);
            passes(modulus.power(&base, &odd_part))
        })
}

/// Whether squaring leads to one by way of minus one, or the power is one already.
fn is_one_on_the_way(modulus: &Modulus, mut power: Vec<u64>, twos: usize) -> bool {
    if power == modulus.one() || power == modulus.minus_one() {
        return true;
    }
    (1..twos).any(|_| {
        power = modulus.square(&power);
        power == modulus.minus_one()
    })
}

fn trailing_zeros(number: &[u64]) -> usize {
    let zeros = number.iter().take_while(|limb| **limb == 0).count();
    zeros * 64 + number.get(zeros).map_or(0, |limb| limb.trailing_zeros() as usize)
}

fn shifted_right(number: &[u64], bits: usize) -> Vec<u64> {
    let (limbs, bits) = (bits / 64, bits % 64);
    let limb = |position: usize| number.get(position).copied().unwrap_or(0);
    (0..number.len())
        .map(|position| {
            let low = limb(position + limbs) >> bits;
            let high = if bits == 0 { 0 } else { limb(position + limbs + 1) << (64 - bits) };
            low | high
        })
        .collect()
}

/// Which of the odd numbers from `start` on a small prime divides.
struct Sieve {
    divided: Vec<bool>,
}

impl Sieve {
    fn new(start: &[u64], span: usize) -> Sieve {
        let mut divided = vec![false; span];
        for (product, primes) in SMALL_PRIMES.iter() {
            let rest = remainder(start, *product);
            for prime in primes {
                // The first k with start + 2k divisible: k = -start / 2 modulo the prime.
                let missing = (prime - rest % prime) % prime;
                let first = if missing.is_multiple_of(2) { missing / 2 } else { (missing + prime) / 2 };
                divided.iter_mut().skip(first as usize).step_by(*prime as usize).for_each(|it| *it = true);
            }
        }
        Sieve { divided }
    }

    fn left(&self) -> impl Iterator<Item = usize> {
        self.divided.iter().enumerate().filter(|(_, is_divided)| !**is_divided).map(|(position, _)| position)
    }
}

fn remainder(number: &[u64], divisor: u64) -> u64 {
    let divisor = u128::from(divisor);
    let rest = number.iter().rev().fold(0_u128, |rest, limb| ((rest << 64) | u128::from(*limb)) % divisor);
    u64::try_from(rest).expect("a rest is less than the divisor")
}

/// The odd primes below [`SMALL`], in groups whose products fit into a limb: dividing by a product once
/// takes the place of dividing by each of them.
static SMALL_PRIMES: LazyLock<Vec<(u64, Vec<u64>)>> = LazyLock::new(|| {
    let mut is_composite = vec![false; SMALL];
    let mut groups: Vec<(u64, Vec<u64>)> = Vec::new();
    for number in (3..SMALL).step_by(2) {
        if is_composite[number] {
            continue;
        }
        is_composite.iter_mut().skip(number * number).step_by(2 * number).for_each(|it| *it = true);
        let prime = number as u64;
        match groups.last_mut() {
            Some((product, primes)) if product.checked_mul(prime).is_some() => {
                *product *= prime;
                primes.push(prime);
            }
            _ => groups.push((prime, vec![prime])),
        }
    }
    groups
});

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Numbers that look random and are the same each time.
    struct Numbers(Mutex<u64>);

    impl RandomSource for Numbers {
        fn fill(&self, buffer: &mut [u8]) {
            let mut state = self.0.lock().unwrap();
            for byte in buffer {
                *state =
                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (*state >> 56) as u8;
            }
        }
    }

    struct Zeros;

    impl RandomSource for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn below_a_power(limbs: usize, by: u64) -> Vec<u64> {
        let mut number = vec![u64::MAX; limbs];
        number[0] -= by - 1;
        number
    }

    #[test]
    fn the_largest_primes_below_powers_of_two_are_known() {
        let random = Numbers(Mutex::new(1));
        for (limbs, largest) in [(1, 59), (2, 159), (4, 189), (8, 569), (16, 105)] {
            let primes: Vec<u64> =
                (1..=largest).step_by(2).filter(|by| is_prime(&below_a_power(limbs, *by), &random)).collect();
            assert_eq!(primes, [largest], "{limbs} limbs");
        }
    }

    #[test]
    fn what_only_looks_prime_to_base_two_is_not() {
        // Strong pseudoprimes to base 2 of 64 bits.
        let random = Numbers(Mutex::new(1));
        for number in PSEUDOPRIMES {
            let modulus = Modulus::new(&[number]);
            let twos = (number - 1).trailing_zeros() as usize;
            let power = modulus.power_of_two(&[(number - 1) >> twos]);
            assert!(is_one_on_the_way(&modulus, power, twos), "{number}");
            assert!(!is_prime(&[number], &random), "{number}");
        }
    }

    #[test]
    fn primes_have_their_size_and_survive_division() {
        let random = Numbers(Mutex::new(7));
        let prime = random_prime(&random, 4).unwrap();
        assert_eq!(prime.len(), 4);
        assert_eq!(prime[3] >> 62, 0b11);
        assert!((3..1 << 16).step_by(2).all(|divisor| remainder(&prime, divisor) != 0));
        assert!(is_prime(&prime, &random));
    }

    #[test]
    fn a_source_without_randomness_does_not_hang() {
        assert!(random_prime(&Zeros, 4).is_none());
    }

    const PSEUDOPRIMES: [u64; 3] =
        [14_117_696_498_810_705_653, 17_242_817_080_631_475_061, 18_094_731_602_043_499_021];
}
