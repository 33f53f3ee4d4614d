/**
 * The engine that tests kill: eight clients attach and detach for ever, and print what was acknowledged, one line each.
 *
 *   engine.child.js <data directory> <run directory> <namespace of the host> <work | halfway>
 *
 * It waits for what was acknowledged to earlier ones before it opens anything, so that a test can have one ready; then it
 * prints what it found, and works when it is told to. `halfway` stops for ever between the creation of a link and its
 * alias, and says `halfway` there.
 */
import { writeSync } from 'node:fs'
import process from 'node:process'
import { createController, EngineError, type Controller, type Recovered } from '../../src/index.ts'
import { Namespace } from '../../src/kernel/linux/namespaces.ts'
import { said, type Said } from '../linux/said.ts'

const [, , dataDir = '', runDir = '', hostNetns = '', what = ''] = process.argv
const CLIENTS = 8

/** What was acknowledged: the number and the command of a commit. */
export type Acknowledged = { readonly id: string; readonly seq: number; readonly type: string }

/** What a start found: what it mended, what was acknowledged and is not there, and what there is. */
export type Found = {
  readonly lost: readonly Acknowledged[]
  readonly recovered: Recovered | undefined
  readonly said: Said
}

/** Prints at once: what is printed is what a client could have heard. */
const say = (line: string): void => void writeSync(1, `${line}\n`)
const told = <T>(): Promise<T> => new Promise((resolve) => process.once('message', resolve))

async function act(controller: Controller, command: Parameters<Controller['dispatch']>[0]): Promise<void> {
  const { commit } = await controller.dispatch(command)
  say(JSON.stringify({ id: commit.command.id, seq: commit.seq, type: command.type } satisfies Acknowledged))
}

/** A sandbox comes, is attached and detached some times, and goes. Finds it as the last engine left it. */
async function live(controller: Controller, sandbox: string): Promise<void> {
  const { queries } = controller
  for (let round = 0; ; round++) {
    const found = queries.sandboxes().find(({ name }) => name === sandbox)
    if (found === undefined) await act(controller, { data: { name: sandbox }, type: 'sandbox.create' })
    else if (round % 8 === 7) await act(controller, { data: { sandbox }, type: 'sandbox.delete' })
    else if (found.interfaces.length > 0)
      await act(controller, { data: { network: 'web', sandbox }, type: 'disconnect' })
    else await act(controller, { data: { network: 'web', sandbox }, type: 'connect' })
  }
}

async function lostOf(
  controller: Controller,
  acknowledged: readonly Acknowledged[],
): Promise<Acknowledged[]> {
  const open = new Map(acknowledged.map((each) => [each.seq, each]))
  if (open.size === 0) return []
  for await (const { command, seq } of controller.commits({ from: Math.min(...open.keys()) })) {
    const heard = open.get(seq)
    if (heard?.id === command.id && heard.type === command.type) open.delete(seq)
  }
  return [...open.values()]
}

/** The process stands still where a crash could hit it; LevelDB's threads go on. */
function stopHalfway(): void {
  const change = Reflect.get(Namespace.prototype, 'change') as (...args: unknown[]) => void
  Namespace.prototype.change = function (link, wanted) {
    if (wanted.alias !== undefined && wanted.master !== undefined) {
      say('halfway')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    }
    change.call(this, link, wanted)
  }
}

async function work(controller: Controller): Promise<void> {
  try {
    const data = { driver: 'bridge', ipv6: true, name: 'web', subnets: [{ subnet: '10.9.0.0/24' }] }
    await act(controller, { data, type: 'network.create' })
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'ERR_EXISTS') throw error
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => live(controller, `s${i}`)))
}

process.on('disconnect', () => process.exit())
const acknowledged = await told<readonly Acknowledged[]>()
const controller = await createController({ dataDir, hostNetns, runDir })
const lost = await lostOf(controller, acknowledged)
const go = told()
say(JSON.stringify({ lost, recovered: controller.recovered, said: said(controller) } satisfies Found))
await go
if (what === 'halfway') {
  stopHalfway()
  await controller.connect('web', 'a')
}
await work(controller)
