/**
 * A throw-away host: network and mount namespaces of our own, with an empty /run and `lo` up, so that nothing which runs
 * in them can touch this machine's network. As root they are made directly; without root, within a user namespace in
 * which we are root. A process with threads, as Node is, cannot enter a user namespace itself, so `unshare` (util-linux)
 * makes them and then becomes the program.
 */
import { readFileSync } from 'node:fs'
import { inRoot, quiet } from './run.mjs'

const AS_ROOT = ['-n', '-m', '--propagation', 'private']
const AS_USER = ['-U', '-r', '-n', '-m', '--propagation', 'private']

/** $1 brings `lo` up, with Node as $0; the rest is the program, which takes the shell's place. */
const SCRIPT = 'mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run && "$0" "$1" && shift && exec "$@"'

const wrapped = (flags, command) => [
  'unshare',
  [...flags, '--', 'sh', '-c', SCRIPT, process.execPath, inRoot('scripts/lib/loopback.mjs'), ...command],
]

/**
 * Finds the way into namespaces of our own by trying it.
 * @returns `{ wrap }`, which turns a command line into `[program, args]` that runs it inside, or `{ refusal }`: the
 *   sentences that say why not and what to do.
 */
export async function findNamespaces() {
  if (process.platform !== 'linux') return { refusal: offLinux }
  let said = ''
  for (const flags of process.geteuid() === 0 ? [AS_ROOT, AS_USER] : [AS_USER]) {
    const { output, status } = await quiet(...wrapped(flags, ['true']))
    if (status === 0) return { wrap: (command) => wrapped(flags, command) }
    said = output.trim()
  }
  return { refusal: forbidden(said) }
}

/** What npm was asked for: `start` or `test`. */
const script = process.env.npm_lifecycle_event ?? 'start'

/** From the checkout, which stays as it is; the container's packages are another platform's. */
const byDocker = `  docker run --rm -it --privileged -v "$PWD":/from:ro node:20-bookworm \\
    sh -c 'cp -r /from /chronet && cd /chronet && rm -rf node_modules dist && npm ${script}'`

const offLinux = `chronet works on a Linux kernel, and this is ${process.platform}. On a Linux machine: npm ${script}
With Docker:
${byDocker}`

/** Switches that forbid user namespaces, by distribution, with the value that forbids and the one that allows. */
const SWITCHES = [
  { allow: '1', forbid: '0', name: 'kernel.unprivileged_userns_clone' },
  { allow: '0', forbid: '1', name: 'kernel.apparmor_restrict_unprivileged_userns' },
  { allow: '15000', forbid: '0', name: 'user.max_user_namespaces' },
  { allow: '15000', forbid: '0', name: 'user.max_net_namespaces' },
]

function sysctl(name) {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim()
  } catch {
    return undefined // this kernel has no such switch
  }
}

function forbidden(said) {
  const closed = SWITCHES.filter(({ forbid, name }) => sysctl(name) === forbid)
  const ways = closed.map(({ allow, name }) => `  sudo sysctl -w ${name}=${allow}`)
  return [
    'chronet may not make namespaces here, so it cannot reach a real kernel.',
    `  ${said}`,
    ...(ways.length > 0
      ? ['To allow them until the next boot:', ...ways]
      : ['A container must be privileged; from the checkout, outside of it:', byDocker]),
    process.geteuid() === 0 ? '' : `Or as root: sudo npm ${script}`,
  ]
    .filter((line) => line !== '')
    .join('\n')
}
