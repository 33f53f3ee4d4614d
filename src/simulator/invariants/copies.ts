/** What hosts keep of each other's logs, as it lies on their disks: C2 and L7 at each commit that lands. */
import { GENESIS, type Origin } from '../../../events/index.ts'
import { seqOfKey } from '../../../events/store.ts'
import type { Host } from '../host.ts'
import type { Op } from '../platter.ts'
import type { Bodies } from './bodies.ts'
import type { Ledger } from './invariant.ts'

type Kept = { readonly epoch: number; readonly hash: string }

/** The hash of a host's commit as the servers were told of it; undefined: they were not. */
type HashAt = (origin: Origin, seq: number) => string | undefined

const HASH_CHARS = 64

/** Where a row of a peer's log lies; undefined: it is none. */
function placeOf(key: string): { readonly origin: Origin; readonly seq: number } | undefined {
  const [, origin, inner = ''] = /^!log-([0-9a-f]{64})!(.+)$/.exec(key) ?? []
  const seq = seqOfKey(inner)
  return origin === undefined || seq === undefined ? undefined : { origin: origin as Origin, seq }
}

export class Copies {
  readonly #bodies: Bodies
  readonly #hashAt: HashAt
  readonly #host: Host
  readonly #isJudged: (origin: Origin) => boolean
  #kept = new Map<Origin, Kept[]>()
  readonly #ledger: Ledger

  constructor(
    host: Host,
    { bodies, ledger }: { readonly bodies: Bodies; readonly ledger: Ledger },
    hashAt: HashAt,
    isJudged: (origin: Origin) => boolean,
  ) {
    this.#bodies = bodies
    this.#hashAt = hashAt
    this.#host = host
    this.#isJudged = isJudged
    this.#ledger = ledger
    const { platter } = host.disk
    const onWrite = platter.onWrite?.bind(platter)
    const onRestore = platter.onRestore?.bind(platter)
    const onReboot = host.onReboot?.bind(host)
    platter.onWrite = (ops) => {
      onWrite?.(ops)
      this.#land(ops)
    }
    platter.onRestore = () => {
      onRestore?.()
      this.#reread()
    }
    host.onReboot = () => {
      onReboot?.()
      this.#reread()
    }
  }

  /** The last commit of a peer that is here. */
  headOf(origin: Origin): { readonly hash: string; readonly seq: number } {
    const kept = this.#kept.get(origin) ?? []
    return { hash: kept.at(-1)?.hash ?? GENESIS.hash, seq: kept.length }
  }

  #land(ops: readonly Op[]): void {
    for (const { key, value } of ops) {
      const place = placeOf(key)
      if (place === undefined || value === undefined) continue
      const [hash, body] = [value.slice(0, HASH_CHARS), value.slice(HASH_CHARS)]
      this.#check(place.origin, place.seq, { body, hash })
      this.#keep(place.origin, place.seq, value)
    }
  }

  #check(
    origin: Origin,
    seq: number,
    { body, hash }: { readonly body: string; readonly hash: string },
  ): void {
    if (!this.#isJudged(origin)) return
    const kept = this.#kept.get(origin) ?? []
    const whose = `#${seq} of ${origin.slice(0, 12)} on ${this.#host.name}`
    const told = this.#hashAt(origin, seq)
    const why =
      seq <= kept.length
        ? 'comes a second time'
        : seq > kept.length + 1
          ? `comes after #${kept.length}`
          : told !== hash || this.#bodies.of(body).hash !== hash
            ? 'is not what its host published'
            : undefined
    this.#ledger.check('C2', why && `${whose} ${why}`)
    const { epoch } = this.#bodies.of(body).commit
    const last = kept.at(-1)?.epoch ?? 0
    this.#ledger.check(
      'L7',
      epoch >= last ? undefined : `${whose} is of epoch ${epoch}, after one of ${last}`,
    )
  }

  #keep(origin: Origin, seq: number, value: string): void {
    const kept = this.#kept.get(origin) ?? []
    const { epoch } = this.#bodies.of(value.slice(HASH_CHARS)).commit
    kept.length = Math.min(kept.length, seq - 1)
    kept.push({ epoch, hash: value.slice(0, HASH_CHARS) })
    this.#kept.set(origin, kept)
  }

  /** A power cut took what was not synced, or a backup was put back. */
  #reread(): void {
    this.#kept = new Map()
    for (const [key, value] of this.#host.disk.platter.range({ gte: '!log-', lt: '!log.' })) {
      const place = placeOf(key)
      if (place !== undefined) this.#keep(place.origin, place.seq, value)
    }
  }
}
