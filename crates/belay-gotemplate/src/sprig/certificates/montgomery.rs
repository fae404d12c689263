//! Arithmetic modulo a large odd number, in Montgomery's form. Limbs are 64 bits, lowest first.
//!
//! Only for looking for primes: how long it takes does not depend on the numbers within a
//! multiplication, but on the exponent.

/// An odd number with its highest bit set.
pub(super) struct Modulus {
    limbs: Vec<u64>,
    /// -1 divided by the lowest limb, modulo 2⁶⁴.
    inverse: u64,
    one: Vec<u64>,
    minus_one: Vec<u64>,
}

impl Modulus {
    /// The number must be odd, and its highest bit set.
    pub(super) fn new(limbs: &[u64]) -> Modulus {
        // Each step of Newton's doubles the bits that are right; an odd number is its own inverse modulo 8.
        let mut inverse = limbs[0];
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(limbs[0].wrapping_mul(inverse)));
        }
        // One stands as 2^bits modulo the number: as its highest bit is set, that is what is missing to 2^bits.
        let mut one = vec![0; limbs.len()];
        subtract(&mut one, limbs);
        let mut minus_one = limbs.to_vec();
        subtract(&mut minus_one, &one);
        Modulus { limbs: limbs.to_vec(), inverse: inverse.wrapping_neg(), one, minus_one }
    }

    pub(super) fn one(&self) -> &[u64] {
        &self.one
    }

    pub(super) fn minus_one(&self) -> &[u64] {
        &self.minus_one
    }

    /// Brings a number of as many limbs below the modulus.
    pub(super) fn reduce_once(&self, number: &mut [u64]) {
        self.subtract_if(number, false);
    }

    /// Two to the power of the exponent.
    pub(super) fn power_of_two(&self, exponent: &[u64]) -> Vec<u64> {
        let mut scratch = Scratch::new(self.limbs.len());
        let mut power = self.one.clone();
        for limb in exponent.iter().rev() {
            for bit in (0..64).rev() {
                self.square_into(&mut power, &mut scratch);
                if limb >> bit & 1 == 1 {
                    self.double(&mut power);
                }
            }
        }
        power
    }

    /// The base, in Montgomery's form, to the power of the exponent.
    pub(super) fn power(&self, base: &[u64], exponent: &[u64]) -> Vec<u64> {
        let mut scratch = Scratch::new(self.limbs.len());
        let mut powers = vec![self.one.clone(), base.to_vec()];
        for smaller in 1..15 {
            let mut next = powers[smaller].clone();
            self.multiply_into(&mut next, base, &mut scratch);
            powers.push(next);
        }
        let mut power = self.one.clone();
        for limb in exponent.iter().rev() {
            for digit in (0..16).rev() {
                for _ in 0..4 {
                    self.square_into(&mut power, &mut scratch);
                }
                self.multiply_into(&mut power, &powers[(limb >> (4 * digit) & 15) as usize], &mut scratch);
            }
        }
        power
    }

    pub(super) fn square(&self, number: &[u64]) -> Vec<u64> {
        let mut square = number.to_vec();
        self.square_into(&mut square, &mut Scratch::new(number.len()));
        square
    }

    fn multiply_into(&self, number: &mut [u64], by: &[u64], scratch: &mut Scratch) {
        let product = &mut scratch.product;
        product.fill(0);
        for (position, limb) in number.iter().enumerate() {
            let (low, high) = product[position..].split_at_mut(by.len());
            high[0] = multiply_add(low, by, *limb);
        }
        self.reduce_into(number, product);
    }

    fn square_into(&self, number: &mut [u64], scratch: &mut Scratch) {
        let product = &mut scratch.product;
        product.fill(0);
        for (position, limb) in number.iter().enumerate() {
            let others = &number[position + 1..];
            let (low, high) = product[2 * position + 1..].split_at_mut(others.len());
            high[0] = multiply_add(low, others, *limb);
        }
        double_and_add_squares(product, number);
        self.reduce_into(number, product);
    }

    /// Divides a product by 2^bits, modulo the number.
    fn reduce_into(&self, number: &mut [u64], product: &mut [u64]) {
        let count = self.limbs.len();
        let mut carry = 0_u64;
        for position in 0..count {
            let factor = product[position].wrapping_mul(self.inverse);
            let (low, high) = product[position..].split_at_mut(count);
            let over = multiply_add(low, &self.limbs, factor);
            let sum = u128::from(high[0]) + u128::from(over) + u128::from(carry);
            high[0] = sum as u64;
            carry = (sum >> 64) as u64;
        }
        number.copy_from_slice(&product[count..2 * count]);
        self.subtract_if(number, carry == 1);
    }

    fn double(&self, number: &mut [u64]) {
        let mut carry = 0;
        for limb in number.iter_mut() {
            let next = *limb >> 63;
            *limb = *limb << 1 | carry;
            carry = next;
        }
        self.subtract_if(number, carry == 1);
    }

    /// Subtracts the modulus if the number, with a limb above it, is not less.
    fn subtract_if(&self, number: &mut [u64], is_over: bool) {
        if is_over || number.iter().rev().ge(self.limbs.iter().rev()) {
            subtract(number, &self.limbs);
        }
    }
}

/// Room for a product.
struct Scratch {
    product: Vec<u64>,
}

impl Scratch {
    fn new(limbs: usize) -> Scratch {
        Scratch { product: vec![0; 2 * limbs + 1] }
    }
}

/// Adds a product to `sum`; gives the limb above it.
#[inline]
fn multiply_add(sum: &mut [u64], number: &[u64], by: u64) -> u64 {
    let mut carry = 0_u64;
    for (sum, limb) in sum.iter_mut().zip(number) {
        let part = u128::from(*limb) * u128::from(by) + u128::from(*sum) + u128::from(carry);
        *sum = part as u64;
        carry = (part >> 64) as u64;
    }
    carry
}

/// The mixed products of a square count twice.
fn double_and_add_squares(product: &mut [u64], number: &[u64]) {
    let (mut shifted, mut carry) = (0, 0);
    for (pair, limb) in product.chunks_exact_mut(2).zip(number) {
        let square = u128::from(*limb) * u128::from(*limb);
        for (place, square) in pair.iter_mut().zip([square as u64, (square >> 64) as u64]) {
            let doubled = *place << 1 | shifted;
            shifted = *place >> 63;
            let sum = u128::from(doubled) + u128::from(square) + u128::from(carry);
            *place = sum as u64;
            carry = (sum >> 64) as u64;
        }
    }
}

fn subtract(number: &mut [u64], other: &[u64]) {
    let mut borrow = false;
    for (limb, other) in number.iter_mut().zip(other) {
        let (difference, first) = limb.overflowing_sub(*other);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        *limb = difference;
        borrow = first || second;
    }
}
