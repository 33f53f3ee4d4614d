/**
 * What an attach costs with IPv6: `connect` on the real kernel to a network that speaks IPv4, IPv6, or both, in turns.
 *
 *   node --max-semi-space-size=64 dist/bench/families.js [rounds]
 */
import { createController, type Controller, type Sandbox } from '../src/index.ts'
import {
  inDirectory,
  inOwnNamespaces,
  linkCount,
  median,
  namespacesAreGone,
  printJson,
  printTable,
  rounded,
  sleep,
  until,
} from './support.ts'

const ROUNDS = Number(process.argv[2] ?? 12)
/** Rounds that are not kept: the compiler of Node has not made the best of the path yet. */
const WARM_UP_ROUNDS = 4
/** Sandboxes of each family. A namespace's links are born with IPv6 or without, and switching that is not an attach. */
const BOXES = 8

const FAMILIES = { v4: {}, v6: { ipv4: false, ipv6: true }, dual: { ipv6: true } } as const
type Family = keyof typeof FAMILIES
const NAMES = Object.keys(FAMILIES) as readonly Family[]

type Boxes = Readonly<Record<Family, readonly Sandbox[]>>

async function boxesOf(controller: Controller, family: Family): Promise<readonly Sandbox[]> {
  await controller.newNetwork('bridge', family, FAMILIES[family])
  return Promise.all(Array.from({ length: BOXES }, (_, i) => controller.newSandbox(`${family}${i}`)))
}

/** Each family's attaches one after the other, the families in turns, and who is first changes. */
async function round(controller: Controller, boxes: Boxes, n: number): Promise<Record<Family, number[]>> {
  const times: Record<Family, number[]> = { dual: [], v4: [], v6: [] }
  const links = linkCount()
  for (let i = 0; i < BOXES * NAMES.length; i++) {
    const family = NAMES[(i + WARM_UP_ROUNDS + n) % NAMES.length] ?? 'v4'
    const box = boxes[family][Math.floor(i / NAMES.length)]
    if (box === undefined) continue
    const start = performance.now()
    await controller.connect(family, box)
    times[family].push(performance.now() - start)
  }
  await Promise.all(NAMES.flatMap((family) => boxes[family].map((box) => controller.disconnect(family, box))))
  await until('the links to go', () => linkCount() === links)
  await sleep(100)
  return times
}

inOwnNamespaces()
await namespacesAreGone()
await inDirectory(async (directory) => {
  const controller = await createController({ dataDir: directory, runDir: '/run/chronet' })
  const boxes = {
    dual: await boxesOf(controller, 'dual'),
    v4: await boxesOf(controller, 'v4'),
    v6: await boxesOf(controller, 'v6'),
  }
  const all: Record<Family, number[]> = { dual: [], v4: [], v6: [] }
  for (let n = -WARM_UP_ROUNDS; n < ROUNDS; n++) {
    const times = await round(controller, boxes, n)
    if (n >= 0) for (const family of NAMES) all[family].push(...times[family])
  }
  const ms = (family: Family): number => rounded(median(all[family]), 2)
  const ratio = (family: Family): number => rounded(median(all[family]) / median(all.v4), 2)
  printTable(
    'attach by family, milliseconds (medians)',
    NAMES.map((family) => ({ family, attach: ms(family), ratio: ratio(family) })),
  )
  printJson('families', {
    dual: ms('dual'),
    dualRatio: ratio('dual'),
    v4: ms('v4'),
    v6: ms('v6'),
    v6Ratio: ratio('v6'),
  })
  await controller.close()
})
