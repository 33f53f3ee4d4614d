/**
 * The firewall of a host: one table of family inet, ours alone, written by raw nfnetlink. `nft` is not
 * needed.
 *
 * All steps of a call run in one transaction. What was read or written last is remembered with the generation
 * of the ruleset, and each transaction names the generation it was made for: so the usual write needs no look
 * before it, and cannot go wrong when somebody else was quicker. Reading a table of 200 networks takes
 * milliseconds, asking for the generation microseconds.
 */
import {
  EngineError,
  type ResourceKey,
  type Spec,
  type Step,
  type StepFailure,
} from '../../../../events/index.ts'
import { aliasOf, tableName } from '../../../reconcile/marks.ts'
import { errnoClass, errnoName } from '../../errno.ts'
import type { Hint, StepResult } from '../../kernel.ts'
import type { Firewall, FirewallObservation, FirewallOptions } from '../firewall.ts'
import { Attributes } from '../message.ts'
import { NetlinkError, type Message, type NetlinkSocket } from '../netlink.ts'
import { WorkerError } from '../netns.ts'
import { commit, type Outcome } from './batch.ts'
import { changesBetween, type Change } from './changes.ts'
import { readGeneration, readTable, type Reading } from './dump.ts'
import { compare } from './observe.ts'
import { HEADER_BYTES, MESSAGE, NFNLGRP_NFTABLES, NFPROTO_INET, TABLE } from './protocol.ts'
import { ownerOfChain, ownerOfElement } from './ruleset.ts'
import { evaluate, refuse, type Mark } from './steps.ts'

/**
 * How often a transaction is made anew because others were quicker, or because the kernel refused a step of
 * it.
 */
const TRIES_MAX = 16

/** What a kernel needs, as `modprobe` names it. */
const MODULES = 'nf_tables nft_chain_nat nft_masq nft_ct'

/** The code of a failure because the kernel has no such thing, whichever errno it says it with. */
const LACKS = 'EOPNOTSUPP'

/** `written`: by us, so it is what should be there; else it is what was read. */
type Known = Reading & { readonly written: boolean }

/** Opens the firewall. Does not fail where nftables is missing: then the steps do, and say what to load. */
export async function openFirewall(options: FirewallOptions): Promise<Firewall> {
  const firewall = new NftFirewall(options)
  await firewall.ready()
  return firewall
}

class NftFirewall implements Firewall {
  readonly #mark: Mark
  readonly #openSocket: FirewallOptions['openSocket']
  readonly #listeners = new Set<(hint: Hint) => void>()
  #known: Known | undefined
  #monitor: NetlinkSocket | undefined
  #opening: Promise<EngineError | NetlinkSocket> | undefined
  #socket: NetlinkSocket | undefined
  #closed = false

  constructor({ openSocket, origin }: FirewallOptions) {
    this.#mark = { comment: aliasOf(origin, 'firewall'), table: tableName(origin) }
    this.#openSocket = openSocket
  }

  /**
   * The socket, opened if it is not; or why there can be none. Tried again each time: modules can be loaded
   * later.
   */
  async ready(): Promise<EngineError | NetlinkSocket> {
    if (this.#socket !== undefined) return this.#socket
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<EngineError | NetlinkSocket> {
    const opened: NetlinkSocket[] = []
    try {
      const socket = await this.#openSocket()
      opened.push(socket)
      readGeneration(socket)
      const monitor = await this.#openSocket({ groups: [NFNLGRP_NFTABLES] })
      opened.push(monitor)
      if (this.#closed) throw new EngineError('ERR_CLOSED', 'the firewall is closed')
      monitor.ignore([socket.portId])
      monitor.onReadable(() => this.#onChanges(monitor, socket.portId))
      this.#monitor = monitor
      this.#socket = socket
      return socket
    } catch (error) {
      for (const socket of opened) socket.close()
      return unsupported(error)
    }
  }

  async apply(steps: readonly Step[]): Promise<readonly StepResult[]> {
    if (steps.length === 0) return []
    const socket = await this.ready()
    if (socket instanceof EngineError) return steps.map((step) => withoutFirewall(step, socket))
    return this.#applyIn(socket, steps, new Map())
  }

  /** @param failures of these steps and of what they need, by key; grows. */
  #applyIn(
    socket: NetlinkSocket,
    steps: readonly Step[],
    failures: Map<ResourceKey, StepFailure>,
  ): readonly StepResult[] {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const before = this.#remembered(socket)
      if (before instanceof NetlinkError) return fail(steps, before.code, before.message)
      const { after, results } = evaluate(this.#mark, before.table, steps, failures)
      for (const result of results) if (!result.ok) failures.set(result.key, result.failure)
      const changes = changesBetween(before.table, after)
      if (changes.length === 0) {
        if (this.#isCurrent(socket, before)) return results
        continue
      }
      const outcome = commit(socket, this.#mark.table, changes, before.generation)
      if (outcome.is === 'done') {
        this.#known = { generation: successor(before.generation), table: after, written: true }
        return results
      }
      if (outcome.is === 'too long') return this.#applyHalves(socket, steps, failures)
      if (outcome.is === 'failed') {
        const culprits = culpritsOf(this.#mark, steps, failures, outcome)
        for (const { key } of culprits) failures.set(key, failureOf(key, outcome))
      } else this.#known = undefined
    }
    return fail(steps, 'ERESTART', 'others change the ruleset all the time')
  }

  /** More than the socket takes in one transaction: two, then. */
  #applyHalves(
    socket: NetlinkSocket,
    steps: readonly Step[],
    failures: Map<ResourceKey, StepFailure>,
  ): readonly StepResult[] {
    if (steps.length === 1) return fail(steps, 'EMSGSIZE', 'more than one transaction can take')
    const half = Math.ceil(steps.length / 2)
    return [
      ...this.#applyIn(socket, steps.slice(0, half), failures),
      ...this.#applyIn(socket, steps.slice(half), failures),
    ]
  }

  async observe(specs: readonly Spec[], strays: boolean): Promise<FirewallObservation> {
    const socket = await this.ready()
    // What cannot be there is not there.
    if (socket instanceof EngineError) return compare(this.#mark, undefined, specs, strays)
    if (this.#known?.written === true || !this.#isCurrent(socket, this.#known)) this.#known = undefined
    const reading = this.#remembered(socket)
    if (reading instanceof NetlinkError) throw reading
    return compare(this.#mark, reading.table, specs, strays)
  }

  onHint(listener: (hint: Hint) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    this.#listeners.clear()
    this.#monitor?.close()
    this.#socket?.close()
  }

  #remembered(socket: NetlinkSocket): Known | NetlinkError {
    try {
      this.#known ??= { ...readTable(socket, this.#mark.table), written: false }
      return this.#known
    } catch (error) {
      if (error instanceof NetlinkError) return error
      throw error
    }
  }

  /** Whether nobody has committed since; if somebody has, what we know is forgotten. */
  #isCurrent(socket: NetlinkSocket, known: Known | undefined): boolean {
    try {
      if (known !== undefined && readGeneration(socket) === known.generation) return true
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error
    }
    this.#known = undefined
    return false
  }

  #onChanges(monitor: NetlinkSocket, ownPort: number): void {
    let strangers = 0
    const complete = monitor.drain((message) => {
      if (message.portId !== ownPort && tableOf(message) === this.#mark.table) strangers++
    })
    if (!complete) this.#hint({ ns: 'host', what: 'overrun' })
    else if (strangers > 0) this.#hint({ ns: 'host', subject: this.#mark.table, what: 'nft' })
  }

  #hint(hint: Hint): void {
    for (const listener of this.#listeners) listener(hint)
  }
}

/** The table that a notification is about; undefined for the new generation, and for other families. */
function tableOf({ body, type }: Message): string | undefined {
  if (type === MESSAGE.newGeneration || body[0] !== NFPROTO_INET) return undefined
  const attributes = new Attributes(body, HEADER_BYTES)
  while (attributes.next()) if (attributes.type === TABLE.name) return attributes.text()
  return undefined
}

/** Generations are 32 bits, and 0 is left out: nf_tables_commit. */
const successor = (generation: number): number => (generation === 0xffffffff ? 1 : generation + 1)

/** Why there is no firewall, of an error of the kernel's; other errors are thrown on. */
function unsupported(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  if (!(error instanceof NetlinkError || error instanceof WorkerError)) throw error
  if (error.code === 'EPERM')
    return new EngineError(
      'ERR_NOT_PERMITTED',
      'nftables may not be used: CAP_NET_ADMIN over the network namespace is needed',
      { cause: error, details: { errno: error.code } },
    )
  if (errnoClass(error.code) === 'retry')
    return new EngineError('ERR_EFFECT_FAILED', `nftables cannot be asked now (${error.message})`, {
      cause: error,
      details: { errno: error.code },
    })
  return new EngineError(
    'ERR_KERNEL_UNSUPPORTED',
    `the kernel has no nftables (${error.message}); load it: modprobe -a ${MODULES}`,
    { cause: error, details: { errno: error.code } },
  )
}

/** A step where there is no nftables: what should vanish is not there. */
function withoutFirewall({ key, op }: Step, error: EngineError): StepResult {
  if (op === 'remove' && error.code === 'ERR_KERNEL_UNSUPPORTED') return { changed: false, key, ok: true }
  const code = error.code === 'ERR_KERNEL_UNSUPPORTED' ? LACKS : String(error.details['errno'])
  return { failure: refuse(key, code, errnoClass(code), error.message), key, ok: false }
}

const fail = (steps: readonly Step[], code: string, why: string): readonly StepResult[] =>
  steps.map(({ key }) => ({ failure: refuse(key, code, errnoClass(code), why), key, ok: false }))

type Failed = Outcome & { is: 'failed' }

/** The steps to blame: that whose part of the table the refused change is of, else all that are left. */
function culpritsOf(
  mark: Mark,
  steps: readonly Step[],
  failures: ReadonlyMap<ResourceKey, StepFailure>,
  { change }: Failed,
): readonly Step[] {
  const left = steps.filter(({ key }) => !failures.has(key))
  const owner = change === undefined ? undefined : ownerOf(mark.table, change)
  const owners = left.filter(({ key }) => key === owner)
  return owners.length > 0 ? owners : left
}

function ownerOf(table: string, change: Change): ResourceKey {
  if ('key' in change) return ownerOfElement(table, change.key)
  return ownerOfChain(table, 'chain' in change ? change.chain : '')
}

function failureOf(key: ResourceKey, { change, errno, message }: Failed): StepFailure {
  const code = errnoName(errno)
  const what = change === undefined ? 'the transaction' : describe(change)
  // All that our rules and chains name was made before them: what is not found is code of the kernel.
  const lacks = code === 'ENOENT' && (change?.op === 'add-chain' || change?.op === 'add-rule')
  if (lacks)
    return refuse(key, LACKS, 'fatal', `${what}: the kernel lacks a part (${code}); modprobe -a ${MODULES}`)
  return refuse(key, code, errnoClass(code), `${what}: ${message}`)
}

/** `add-rule to-br0`: what, on what. */
function describe(change: Change): string {
  const on = 'chain' in change ? change.chain : 'map' in change ? change.map : ''
  return 'key' in change ? `${change.op} ${on} ${change.key}` : `${change.op} ${on}`.trim()
}
