/** Who watches a play: a witness for each host, an ear for what clients hear, an eye on what is not ours. */
import { EngineError, type AnyFact, type Commit } from '../../events/index.ts'
import type { View } from '../engine/empty-view.ts'
import { groupOfAct } from './acts/index.ts'
import { ClusterWatch } from './cluster-watch.ts'
import type { Host } from './host.ts'
import { Bodies } from './invariants/bodies.ts'
import { Deeds } from './invariants/deeds.ts'
import { Ledger } from './invariants/invariant.ts'
import { checkBounds, checkRest } from './invariants/rest.ts'
import { strangersIn } from './invariants/strangers.ts'
import { Told } from './invariants/told.ts'
import { Witness } from './invariants/witness.ts'
import type { Play } from './play.ts'
import type { World } from './world.ts'

/** A view in so many commits is kept, to be held against the log in the end. */
const SHOWN_EVERY = 64

export class Watch {
  /** By kind. */
  readonly acts = new Map<string, number>()
  /** Absent: the hosts are none. */
  readonly cluster: ClusterWatch | undefined
  readonly ledger = new Ledger()
  readonly #play: Play
  /** Views as engines showed them now and then, with the hash of the commit that they come after. */
  readonly #shown = new Map<Host, Map<string, View>>()
  /** How far each host's reader of facts has come. */
  readonly #read = new Map<Host, number>()
  readonly #strangers = new Map<Host, string>()
  readonly #told: ReadonlyMap<Host, Told>
  readonly #witnesses: ReadonlyMap<Host, Witness>
  readonly #world: World

  constructor(world: World, play: Play) {
    this.#play = play
    this.#world = world
    const { ledger } = this
    const bodies = new Bodies()
    this.#witnesses = new Map(
      world.hosts.map((host) => [host, new Witness(host, ledger, bodies, () => play.excuses.get(host))]),
    )
    this.#told = new Map(
      world.hosts.map((host) => {
        const isExcused = (): boolean => play.excuses.has(host)
        return [host, new Told(this.witness(host), ledger, isExcused, (id) => play.clients.asked.get(id))]
      }),
    )
    for (const host of world.hosts) this.#watchHost(host)
    this.cluster = world.isCluster
      ? new ClusterWatch(world, play, { bodies, ledger }, (host) => this.witness(host))
      : undefined
    play.onAct = ({ host, kind }) => {
      this.acts.set(kind, (this.acts.get(kind) ?? 0) + 1)
      // People may change what is theirs, and a reboot takes it along: what is left now engines must leave, too.
      if (groupOfAct(kind) === 'human' || kind === 'client.make-netns') this.lookAround(world.host(host))
    }
    play.onUp = (host) => this.#follow(host)
    world.onForbidden = ({ message }) => ledger.check('D2', message)
    this.#watchClients()
  }

  witness(host: Host): Witness {
    return watching(this.#witnesses, host)
  }

  #toldOf(host: Host): Told {
    return watching(this.#told, host)
  }

  /** What a host's disk has had, in order. */
  logOf(host: Host): readonly Commit<AnyFact>[] {
    return this.witness(host).log.map(({ commit }) => commit)
  }

  /** Views that a host's engine has shown, by the hash of the commit that they come after. */
  shownOf(host: Host): ReadonlyMap<string, View> {
    return this.#shown.get(host) ?? new Map()
  }

  /** What must hold of an engine at rest, into the watch's own ledger or another. */
  checkRest(host: Host, ledger = this.ledger): Promise<void> {
    this.#toldOf(host).atRest()
    return checkRest({ host, time: this.#world.time, witness: this.witness(host) }, ledger)
  }

  /** From now on, what is not ours is as it is now. */
  lookAround(host: Host): void {
    this.#strangers.set(host, strangersIn(host.kernel.world, host.origin))
  }

  #watchHost(host: Host): void {
    const witness = this.witness(host)
    const onStep = host.onStep?.bind(host)
    const nowMs = (): number => this.#world.nowMs
    const deeds = new Deeds(host, witness, { ledger: this.ledger, nowMs })
    host.onStep = (step, result) => {
      onStep?.(step, result)
      deeds.step(step, result)
      const { defects } = host.kernel.world
      this.ledger.check('K3', defects[0])
    }
    // An engine that was told to goes on with the older log: from now on that one is the log.
    host.onHead = () => {
      if (host.acceptsLogBehind) witness.behind = undefined
    }
    host.onReboot = () => {
      this.lookAround(host)
      witness.behind = undefined
      witness.checkKept(host.disk.platter)
    }
    host.onApply = (steps) => {
      const [first] = steps
      const why = first && whyNotMay(host, witness)
      this.ledger.check('K14', why && `${first.op} ${first.key} by an engine ${why}`)
    }
    const told = this.#toldOf(host)
    witness.onCommit = (commit, isBack) => {
      // What was healed then is not healed now.
      if (!isBack) deeds.landed(commit)
      told.landed(commit)
      if (commit.seq % SHOWN_EVERY === 0) this.#keepShown(host)
      checkBounds(host, this.ledger)
      this.#checkStrangers(host)
    }
    host.onProblem = (problem) => {
      const isOurs = problem instanceof Error && problem.message.startsWith('chronet defect')
      this.ledger.check('D1', isOurs ? String(problem) : undefined)
    }
  }

  /** A receipt that is shown before it is on disk may be lost, and its number is the next epoch's then: that one was not shown. */
  #keepShown(host: Host): void {
    const view = host.isUp ? host.controller.engine.view : undefined
    const last = view && this.witness(host).log[view.seq - 1]
    const shown = this.#shown.get(host) ?? new Map<string, View>()
    if (view !== undefined && last?.commit.epoch === view.projections.host.epoch) shown.set(last.hash, view)
    this.#shown.set(host, shown)
  }

  #checkStrangers(host: Host): void {
    const before = this.#strangers.get(host)
    if (before === undefined) return
    const now = strangersIn(host.kernel.world, host.origin)
    this.ledger.check(
      'K3',
      now === before ? undefined : `of strangers there was\n${before}\nand now there is\n${now}`,
    )
  }

  #watchClients(): void {
    const { clients } = this.#play
    clients.onAnswer = (asked, answer) => this.#toldOf(asked.host).done(asked, answer)
    clients.onFailure = (asked, error) => this.#toldOf(asked.host).failed(asked, error)
    clients.onDefect = ({ command, id }, error) => {
      this.ledger.check(
        'D1',
        `${command.type} ${id}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
      )
    }
  }

  /** L9: a reader of facts, from where the one before it stood. */
  #follow(host: Host): void {
    const { life } = host
    const from = this.#play.excuses.has(host) ? undefined : this.#read.get(host)
    const next = from === undefined ? undefined : from + 1
    const read = async (): Promise<void> => {
      const facts = host.controller.facts(next === undefined ? {} : { from: next })
      for await (const fact of facts) {
        if (life.isDead) return
        this.#note(host, fact)
      }
    }
    read().catch((error: unknown) => {
      if (!life.isDead && !(error instanceof EngineError)) this.ledger.check('L9', String(error))
    })
  }

  #note(host: Host, { seq, type, version }: AnyFact & { readonly seq: number }): void {
    const last = this.#read.get(host)
    const known = this.witness(host).log[seq - 1]?.commit.facts
    const isDurable = known?.some((fact) => fact.type === type && fact.version === version) === true
    this.ledger.check('L9', isDurable ? undefined : `a reader heard ${type} of #${seq}, which is not on disk`)
    const isNext = last === undefined || seq === last || seq === last + 1 || this.#play.excuses.has(host)
    this.ledger.check('L9', isNext ? undefined : `a reader heard #${seq} after #${last}`)
    this.#read.set(host, seq)
  }
}

/** Why an engine may change nothing; undefined: it may. */
function whyNotMay(host: Host, witness: Witness): string | undefined {
  if (host.isUp && host.controller.blocked !== undefined) return 'that is blocked'
  return witness.behind && `whose log is older than the #${witness.behind.seq} that this boot has seen`
}

function watching<T>(all: ReadonlyMap<Host, T>, host: Host): T {
  const found = all.get(host)
  if (found === undefined) throw new Error(`nobody watches ${host.name}`)
  return found
}
