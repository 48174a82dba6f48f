//! An array in chunks, so that neither growing nor shrinking ever moves more than one chunk, and little is held that is not used.

use std::ops::{Index, IndexMut};

/// Up to `N` elements in each chunk. Every chunk but the last is full, and none is empty.
pub(crate) struct Chunks<T, const N: usize> {
    chunks: Vec<Vec<T>>,
    /// The chunk emptied last, as long as the one before it is nearly full: it may be needed again at once.
    spare: Vec<T>,
}

impl<T, const N: usize> Chunks<T, N> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), spare: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * N + last.len())
    }

    /// By so many places the last chunk grows: never more than a thirty-second of all stay unused, or a few.
    fn step(&self) -> usize {
        (self.len() / 32).clamp(N / 16, N)
    }

    pub(crate) fn push(&mut self, element: T) {
        let step = self.step();
        match self.chunks.last_mut() {
            Some(last) if last.len() < N => {
                if last.len() == last.capacity() {
                    last.reserve_exact(step.min(N - last.len()));
                }
                last.push(element);
            }
            _ => {
                let mut next = std::mem::take(&mut self.spare);
                if next.capacity() == 0 {
                    next.reserve_exact(step);
                }
                next.push(element);
                if self.chunks.len() < 4 {
                    self.chunks.reserve_exact(1);
                }
                self.chunks.push(next);
            }
        }
    }

    /// Removes the last element; memory that is not needed any more goes back.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let last = self.chunks.last_mut()?;
        let element = last.pop();
        if last.len() == N / 2 {
            self.spare = Vec::new();
        }
        if last.is_empty() {
            let emptied = self.chunks.pop();
            self.spare = emptied.filter(|_| !self.chunks.is_empty()).unwrap_or_default();
            if self.chunks.capacity() > 8 + 2 * self.chunks.len() {
                self.chunks.shrink_to(4 + self.chunks.len());
            }
        }
        element
    }

    /// Removes an element; the last one takes its place.
    pub(crate) fn swap_remove(&mut self, at: usize) -> Option<T> {
        let last = self.pop()?;
        Some(if at == self.len() { last } else { std::mem::replace(&mut self[at], last) })
    }
}

impl<T, const N: usize> Index<usize> for Chunks<T, N> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.chunks[at / N][at % N]
    }
}

impl<T, const N: usize> IndexMut<usize> for Chunks<T, N> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.chunks[at / N][at % N]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(chunks: &Chunks<usize, 64>) -> usize {
        chunks.chunks.iter().map(Vec::capacity).sum::<usize>() + chunks.spare.capacity()
    }

    #[test]
    fn it_holds_what_a_vec_holds() {
        let (mut chunks, mut vec, mut random) = (Chunks::<usize, 64>::new(), Vec::new(), 1_u64);
        for number in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // It grows to some hundreds, and shrinks to nothing, by turns.
            let grows = (random >> 33) % 10 < if number / 2_000 % 2 == 0 { 6 } else { 3 };
            if grows || vec.is_empty() {
                chunks.push(number);
                vec.push(number);
            } else {
                let at = usize::try_from(random >> 40).unwrap() % vec.len();
                assert_eq!(chunks.swap_remove(at), Some(vec.swap_remove(at)));
            }
            assert_eq!(chunks.len(), vec.len());
            assert!(chunks.chunks.iter().flatten().eq(&vec));
        }
    }

    #[test]
    fn few_places_are_unused_while_it_grows_and_a_chunk_or_two_while_it_shrinks() {
        let mut chunks = Chunks::<usize, 64>::new();
        for len in 1..=5_000 {
            chunks.push(len);
            assert!(capacity(&chunks) < len + 4 + len / 32, "{} of {len}", capacity(&chunks));
        }
        for len in (0..5_000).rev() {
            chunks.pop();
            assert!(capacity(&chunks) <= len + 2 * 64, "{} of {len}", capacity(&chunks));
        }
        assert_eq!((chunks.pop(), capacity(&chunks)), (None, 0));
        assert!(chunks.chunks.capacity() <= 8);
    }

    #[test]
    fn to_and_fro_at_the_end_of_a_chunk_takes_no_memory_anew() {
        let mut chunks = Chunks::<usize, 64>::new();
        (0..=64).for_each(|number| chunks.push(number));
        let place = &raw const chunks[64];
        assert_eq!(chunks.pop(), Some(64));
        chunks.push(1);
        assert_eq!(&raw const chunks[64], place);
    }
}
