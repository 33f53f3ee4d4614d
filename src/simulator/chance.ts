/**
 * Chance that is the same for the same seed. Every concern has its own stream, which follows from its name: a new concern, or
 * one more draw in one of them, shifts nobody else's. Whole numbers only, so that no machine rounds otherwise.
 */
import type { Hash } from '../ports.ts'

/** A stream of draws: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state. */
export class Chance {
  #a: number
  #b: number
  #c: number
  #counter = 1
  readonly #hash: Hash
  readonly #name: string

  constructor(hash: Hash, name: string) {
    this.#hash = hash
    this.#name = name
    const bits = hash(name)
    const word = (nth: number): number => parseInt(bits.slice(8 * nth, 8 * nth + 8), 16) | 0
    this.#a = word(0)
    this.#b = word(1)
    this.#c = word(2)
  }

  /** The stream of another concern. The same name gives the same stream, from its beginning. */
  of(concern: string): Chance {
    return new Chance(this.#hash, `${this.#name}/${concern}`)
  }

  /** 32 bits, 0 to 2^32 - 1. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 to `below` - 1. */
  int(below: number): number {
    return this.bits() % below
  }

  /** `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + this.int(to - from + 1)
  }

  /** Once in so many times. */
  oneIn(times: number): boolean {
    return this.int(times) === 0
  }

  /** One of them. @throws {RangeError} there is none */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('nothing to choose from')
    return from[this.int(from.length)] as T
  }

  /** One of them, each as often as its weight says. */
  weighted<T>(from: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.int(from.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of from) if ((left -= weight) < 0) return value
    throw new RangeError('nothing to choose from')
  }
}
