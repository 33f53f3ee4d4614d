/** Builds the C floor and drives it: see `floor.c`. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type Floor = {
  /** Joins sandboxes `first` … to the bridge; milliseconds of each. */
  attach(bridge: string, first: number, count: number): Promise<readonly number[]>
  close(): void
  /** Deletes their links by group; milliseconds in all. */
  detach(first: number, count: number): Promise<number>
  /** Makes namespaces: `/run/netns/floor0` … */
  sandboxes(count: number): Promise<void>
}

/** @param directory where the program is put. */
export function openFloor(directory: string): Floor {
  const program = join(directory, 'floor')
  const built = spawnSync('cc', ['-O2', '-o', program, SOURCE ?? 'floor.c'], { stdio: 'inherit' })
  if (built.status !== 0)
    throw new Error('the floor needs a C compiler and the kernel headers (gcc, libc6-dev)')
  const child = spawn(program, ['/run/netns'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (line: string): Promise<readonly number[]> => {
    child.stdin.write(`${line}\n`)
    const answer = await lines.next()
    if (answer.done === true) throw new Error(`the floor ended at: ${line}`)
    return answer.value
      .trim()
      .split(' ')
      .map((ns) => Number(ns) / 1e6)
  }
  return {
    attach: (bridge, first, count) => ask(`attach ${bridge} ${first} ${count}`),
    close: () => {
      child.stdin.end('quit\n')
    },
    detach: async (first, count) => (await ask(`detach ${first} ${count}`))[0] ?? NaN,
    sandboxes: async (count) => {
      await ask(`sandbox ${count}`)
    },
  }
}

/** `floor.c`, beside this file or, when this one was built, in the folder of the sources. */
const SOURCE = ['floor.c', '../../bench/floor.c']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

/** The same attach with iproute2, as scripts do it: two processes, one per namespace; milliseconds. */
export function attachByIp(bridge: string, i: number): number {
  const host = [
    `link add iptool${i} group 77 mtu 1450 type veth peer name eth0 netns floor${i} mtu 1450`,
    `link set iptool${i} alias iptool master ${bridge} addrgenmode none up`,
  ]
  const inside = ['link set eth0 up', `addr add 10.99.2.${i}/16 dev eth0`, 'route add default via 10.99.0.1']
  const start = performance.now()
  for (const [args, lines] of [
    [['-batch', '-'], host],
    [['-n', `floor${i}`, '-batch', '-'], inside],
  ] as const) {
    const done = spawnSync('ip', args, { encoding: 'utf8', input: `${lines.join('\n')}\n` })
    if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr}`)
  }
  return performance.now() - start
}

export const detachByIp = (i: number): void => void spawnSync('ip', ['link', 'del', `iptool${i}`])
