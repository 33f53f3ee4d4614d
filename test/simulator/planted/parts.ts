/** Bugs of the parts that carry decisions out: log, heads, executor, waiters, healer. */
import {
  EngineError,
  RefusedError,
  type AnyFact,
  type Commit,
  type Log,
  type Seq,
  type Snapshots,
  type SnapshotTable,
} from '../../../events/index.ts'
import type { Life } from '../../../src/engine/life.ts'
import { Damping } from '../../../src/reconcile/damping.ts'
import { inEngine, inLog, type Bug } from './bug.ts'

/** Never rests. */
class Tireless extends Damping {
  override note(): undefined {
    return undefined
  }

  override rests(): boolean {
    return false
  }
}

/** Commits as they are appended, in the order of their numbers, on disk or not. */
class Ahead {
  readonly #appended: Commit<AnyFact>[] = []
  #isOver = false
  #wake: () => void = () => undefined

  add(commit: Commit<AnyFact>): void {
    this.#appended.push(commit)
    this.#wake()
  }

  end(): void {
    this.#isOver = true
    this.#wake()
  }

  async *follow(log: Log<AnyFact>, from: Seq): AsyncGenerator<Commit<AnyFact>, void, void> {
    let next: number = from
    for await (const commit of log.read({ from })) {
      next = commit.seq + 1
      yield commit
    }
    while (!this.#isOver) {
      const commit = this.#appended.find(({ seq }) => seq === next)
      if (commit === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
      else {
        next = commit.seq + 1
        yield commit
      }
    }
  }
}

type Tables = Parameters<Snapshots['save']>[1]

async function* forgetful(tables: Tables): AsyncGenerator<SnapshotTable> {
  for await (const [name, rows] of tables) yield [name, name === 'allocations.addresses' ? [] : rows]
}

const isRefused = (error: unknown): boolean => error instanceof RefusedError

export const logBugs: readonly Bug[] = [
  {
    foundBy: ['L9'],
    means: 'A reader hears facts when they are queued, before they are on disk.',
    name: 'reader-ahead-of-disk',
    plant: inLog((log) => {
      const ahead = new Ahead()
      return {
        append: (...given) => {
          const appended = log.append(...given)
          ahead.add(appended.commit)
          return appended
        },
        close: async () => {
          await log.close()
          ahead.end()
        },
        subscribe: ({ from = log.nextSeq } = {}) =>
          Object.assign(ahead.follow(log, from), { [Symbol.asyncDispose]: async () => ahead.end() }),
      }
    }),
  },
  {
    foundBy: ['L3'],
    means: 'A client is answered when its commit is handed to the store, not when it is on disk.',
    name: 'answer-before-disk',
    plant: inEngine({
      life: ({ heads }) => {
        heads.covers = () => Promise.resolve()
      },
      opened: (opened) => {
        const { log } = opened
        const append = log.append.bind(log)
        log.append = (...given) => {
          const appended = append(...given)
          return { ...appended, durable: appended.submitted }
        }
        return opened
      },
    }),
  },
  {
    foundBy: ['L12'],
    means: 'A write whose outcome is unknown is told as one that was not done.',
    name: 'unknown-told-as-failed',
    plant: inLog((log) => ({
      append: (...given) => {
        const appended = log.append(...given)
        const durable = appended.durable.catch(() => {
          throw new EngineError('ERR_STORE_UNWRITABLE', 'nothing of it was written')
        })
        durable.catch(() => undefined)
        return { ...appended, durable }
      },
    })),
  },
  {
    foundBy: ['P2', 'V1'],
    means: 'Of two commits that come to the disk at once only the first is noted as durable.',
    name: 'durable-half-noted',
    plant: inEngine({
      life: ({ heads }) => {
        const mark = heads.markDurable.bind(heads)
        let last = 0
        heads.markDurable = (seq) => {
          mark((seq - last > 1 ? seq - 1 : seq) as Seq)
          last = seq
        }
      },
    }),
  },
  {
    foundBy: ['K14'],
    means: 'An engine goes on with a log that is older than the kernel, without being told to.',
    name: 'older-log-accepted',
    plant: inEngine({
      opened: (opened) => {
        const { blocked, ...rest } = opened
        return blocked?.code === 'ERR_LOG_BEHIND' ? rest : opened
      },
    }),
  },
  {
    foundBy: ['A10', 'P1'],
    means: 'A snapshot leaves out who holds which address.',
    name: 'snapshot-forgets',
    plant: inEngine({
      opened: (opened) => {
        const { snapshots } = opened
        const save: typeof snapshots.save = (head, tables) => snapshots.save(head, forgetful(tables))
        return { ...opened, snapshots: { ...snapshots, save } }
      },
    }),
  },
]

/** What a life's executor takes, on another way to it. */
const submitting =
  (change: (submit: Life['executor']['submit']) => Life['executor']['submit']) =>
  ({ executor }: Life): void => {
    executor.submit = change(executor.submit.bind(executor))
  }

export const workerBugs: readonly Bug[] = [
  {
    foundBy: ['K6', 'K15'],
    means: 'Removals begin while their intent is still being written.',
    name: 'removal-before-disk',
    plant: inEngine({
      life: submitting((submit) => (job) => submit({ ...job, begin: Promise.resolve() })),
    }),
  },
  {
    foundBy: ['K1', 'K2', 'K6'],
    means: 'A later plan overtakes an earlier one of the same resource.',
    name: 'plans-overtake',
    plant: inEngine((_host, { time }) => ({
      life: submitting((submit) => {
        let nth = 0
        return (job) => {
          if (nth++ % 3 === 0) time.at(40, () => submit(job))
          else submit(job)
        }
      }),
    })),
  },
  {
    foundBy: ['K5'],
    means: 'The receipt of a sweep that went well is not written, for nobody waits for it.',
    name: 'receipt-left-out',
    plant: inEngine({
      life: (life) => {
        const settle = life.settle.bind(life)
        life.settle = (receipt, late) => {
          const { open } = life.heads.decided.projections.applied
          const isSweep = open.get(receipt.plan)?.purpose === 'sweep'
          return isSweep && receipt.failures.length === 0 ? undefined : settle(receipt, late)
        }
      },
    }),
  },
  {
    foundBy: ['V1', 'V2'],
    means: 'Whoever waits for a plan that fails hears nothing.',
    name: 'failure-not-told',
    plant: inEngine({
      life: ({ waiters }) => {
        const tell = waiters.tell.bind(waiters)
        waiters.tell = (settled) => (settled.failures.length === 0 ? tell(settled) : undefined)
      },
    }),
  },
  {
    foundBy: ['V2'],
    means: 'For every plan somebody waits who is never told.',
    name: 'waiter-forgotten',
    plant: inEngine({
      life: ({ waiters }) => {
        const wait = waiters.wait.bind(waiters)
        waiters.wait = (plan) => {
          void wait(`${plan}0` as typeof plan)
          return wait(plan)
        }
      },
    }),
  },
  {
    foundBy: ['D1', 'L12'],
    means: 'A connect that is refused has made the endpoint all the same.',
    name: 'refused-command-writes',
    plant: inEngine({
      life: (life) => {
        const take = life.take.bind(life)
        life.take = (request) => {
          try {
            return take(request)
          } catch (error) {
            const { command } = request
            if (isRefused(error) && command.type === 'connect')
              try {
                const { network } = command.data
                take({ ...request, command: { data: { name: 'half', network }, type: 'endpoint.create' } })
              } catch {
                // That was refused, too.
              }
            throw error
          }
        }
      },
    }),
  },
  {
    foundBy: ['K11'],
    means: 'What somebody takes away again and again is healed again and again, at full speed.',
    name: 'heal-without-damping',
    plant: inEngine({ damping: () => new Tireless() }),
  },
]
