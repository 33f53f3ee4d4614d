/**
 * What every bus must do: one suite for NATS and for the simulated one. A claim that only one of them could keep is no claim of
 * the port.
 *
 * Servers are shared by the tests of a suite, and each test has a stream of its own.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import type { Bus, StreamOptions } from '../../src/bus/bus.ts'
import { followClaims } from './following.ts'
import { lossClaims } from './losing.ts'
import { publishClaims } from './publishing.ts'

/** Servers, or what stands for them. */
export type Lab = {
  /** The stream takes no more. */
  fill(stream: StreamOptions): Promise<void>
  /** Nobody reaches a server any more, and what was on its way is lost. */
  lose(): Promise<void>
  /** A bus of one more host. */
  open(stream: StreamOptions): Promise<Bus>
  /** The servers are there again, with all that they acknowledged. */
  regain(): Promise<void>
  /** The stream is lost, and an empty one is there in its place; the servers stay. */
  remake(stream: StreamOptions): Promise<void>
  sleep(ms: number): Promise<void>
  tearDown(): Promise<void>
}

/** What a test has: the lab, a stream of its own, and hosts that are let go at its end. */
export type Bench = {
  readonly lab: () => Lab
  readonly open: () => Promise<Bus>
  readonly stream: () => StreamOptions
  /** A subject of the stream. */
  readonly subject: (name: string) => string
}

/** The suite. */
export function busContract(name: string, makeLab: () => Promise<Lab>): void {
  describe(`${name} bus`, () => {
    let lab: Lab | undefined
    let tests = 0
    const buses: Bus[] = []
    const theLab = (): Lab => {
      if (lab === undefined) throw new Error('no test is running')
      return lab
    }
    const stream = (): StreamOptions => ({ name: `CONTRACT_${tests}`, subjects: `contract.${tests}.*` })
    beforeAll(async () => {
      lab = await makeLab()
    })
    beforeEach(() => {
      tests++
    })
    afterEach(async () => {
      await Promise.all(buses.splice(0).map((bus) => bus.close()))
    })
    afterAll(async () => {
      await lab?.tearDown()
    })
    const bench: Bench = {
      lab: theLab,
      open: async () => {
        const bus = await theLab().open(stream())
        buses.push(bus)
        return bus
      },
      stream,
      subject: (each) => `contract.${tests}.${each}`,
    }
    publishClaims(bench)
    followClaims(bench)
    lossClaims(bench)
  })
}
