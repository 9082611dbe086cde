//! Mutation without coverage: small changes of known inputs, reproducible by a number.

/// Makes inputs from other inputs.
#[derive(Clone, Debug)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// One that makes what every other with this seed makes.
    pub fn new(seed: u64) -> Self {
        // A multiplication by an odd number keeps different seeds different.
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// xorshift64*: long enough a period, and no dependency.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// An input: sometimes noise, mostly a changed one of `known`.
    pub fn input(&mut self, known: &[Vec<u8>], longest: usize) -> Vec<u8> {
        let mut input = match known.len() {
            0 => Vec::new(),
            count => known[self.below(count)].clone(),
        };
        if input.is_empty() || self.below(8) == 0 {
            let length = self.below(longest);
            return (0..length).map(|_| self.next() as u8).collect();
        }
        for _ in 0..=self.below(6) {
            self.change(&mut input, known);
        }
        input.truncate(longest);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, known: &[Vec<u8>]) {
        const NUMBERS: [u64; 12] = [
            0,
            1,
            7,
            8,
            64,
            0xff,
            0xfff,
            0x1000,
            1 << 31,
            (1 << 32) - 1,
            1 << 63,
            u64::MAX,
        ];
        let at = self.below(input.len());
        match self.below(7) {
            0 => input.insert(at, self.next() as u8),
            1 if input.len() > 1 => {
                let end = (at + 1 + self.below(8)).min(input.len());
                input.drain(at..end);
            }
            2 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_le_bytes();
                let width = 1 << self.below(4);
                for (to, from) in input[at..].iter_mut().zip(&number[..width]) {
                    *to = *from;
                }
            }
            3 => {
                let end = (at + 1 + self.below(64)).min(input.len());
                let piece = input[at..end].to_vec();
                let to = self.below(input.len());
                input.splice(to..to, piece);
            }
            4 => {
                let other = &known[self.below(known.len())];
                let from = self.below(other.len());
                input.truncate(at);
                input.extend(other.get(from..).unwrap_or_default());
            }
            5 => input[at] ^= 1 << self.below(8),
            _ => input[at] = self.next() as u8,
        }
        if input.is_empty() {
            input.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let known = [vec![1, 2, 3, 4], vec![9; 40]];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..100)
                .map(|_| mutator.input(&known, 64))
                .collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(3).iter().all(|input| input.len() <= 64));
    }
}
