/** What doctor finds without a log: Node, the kernel's version, rights, forwarding, mounts, links that look like ours. */
import { readdir, readFile } from 'node:fs/promises'
import { release } from 'node:os'

export type Finding = {
  /** `odd`: it may be meant, or pass. */
  readonly is: 'bad' | 'good' | 'odd'
  readonly of: 'forwarding' | 'kernel' | 'leftover' | 'log' | 'mounts' | 'node' | 'rights'
  readonly what: string
}

export function looksAtNode(): readonly Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isNew = major > 20 || (major === 20 && minor >= 19)
  return [
    isNew
      ? { is: 'good', of: 'node', what: process.versions.node }
      : { is: 'bad', of: 'node', what: `${process.versions.node}; 20.19 or newer is needed` },
    process.platform === 'linux'
      ? { is: 'good', of: 'kernel', what: `Linux ${release()}` }
      : { is: 'bad', of: 'kernel', what: `${process.platform}: networks are made on Linux` },
  ]
}

/** All that can be seen of the host without changing it. */
export async function looksAtHost(runDir: string): Promise<readonly Finding[]> {
  if (process.platform !== 'linux') return []
  return [await rights(), ...(await forwarding()), ...(await mounts(runDir)), ...(await links())]
}

async function rights(): Promise<Finding> {
  const { checkRights } = await import('../kernel/linux/rights.ts')
  try {
    checkRights(undefined)
    return { is: 'good', of: 'rights', what: `uid ${process.geteuid?.() ?? '?'} may make networks here` }
  } catch (error) {
    return { is: 'bad', of: 'rights', what: error instanceof Error ? error.message : String(error) }
  }
}

const read = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )

/** It is switched on with the first network; then whatever filters the host's forwarding counts. */
async function forwarding(): Promise<readonly Finding[]> {
  const [v4, v6] = [
    await read('/proc/sys/net/ipv4/ip_forward'),
    await read('/proc/sys/net/ipv6/conf/all/forwarding'),
  ]
  const said = (value: string | undefined): string =>
    value === undefined ? 'not there' : value === '0' ? 'off, until the first network is made' : 'on'
  return [
    { is: v4 === undefined ? 'bad' : 'good', of: 'forwarding', what: `IPv4 ${said(v4)}` },
    {
      is: v6 === undefined ? 'odd' : 'good',
      of: 'forwarding',
      what: `IPv6 ${v6 === '0' ? 'off' : said(v6)}`,
    },
  ]
}

/** Whether namespaces that are mounted in the run directory can be seen from here, and do not outlive the boot. */
async function mounts(runDir: string): Promise<readonly Finding[]> {
  const table = (await read('/proc/self/mountinfo')) ?? ''
  const all = table.split('\n').flatMap((line) => {
    // proc_pid_mountinfo(5): the fifth field is the place; after a lone dash stands the type.
    const [fields = '', rest = ''] = line.split(' - ')
    const place = fields.split(' ')[4]
    return place === undefined ? [] : [{ place, type: rest.split(' ')[0] ?? '' }]
  })
  const namespaces = all.filter(({ place, type }) => type === 'nsfs' && place.startsWith(`${runDir}/`)).length
  const holder = all
    .filter(({ place }) => place === '/' || `${runDir}/`.startsWith(`${place}/`))
    .sort((a, b) => b.place.length - a.place.length)[0]
  const isTmpfs = holder?.type === 'tmpfs'
  return [
    {
      is: isTmpfs ? 'good' : 'odd',
      of: 'mounts',
      what: isTmpfs
        ? `${runDir} is on a tmpfs; ${namespaces} namespaces are mounted in it`
        : `${runDir} is on ${holder?.type ?? 'an unknown file system'}, which may outlive the boot; ${namespaces} namespaces are mounted in it`,
    },
  ]
}

/** Links with names of our form: the log's own are told of by the comparison; here is how many there are. */
async function links(): Promise<readonly Finding[]> {
  const names = await readdir('/sys/class/net').catch(() => [])
  const ours = names.filter((name) => /^cn[bv][0-9a-f]{12}$/.test(name)).length
  return ours === 0 ? [] : [{ is: 'good', of: 'kernel', what: `${ours} links bear names of chronet's form` }]
}
