/** Certificates for tests, made by openssl: an authority, a server at 127.0.0.1, a client; each as a file of a folder. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Certificates = {
  readonly ca: string
  readonly client: { readonly certificate: string; readonly key: string }
  readonly server: { readonly certificate: string; readonly key: string }
}

export function makeCertificates(dir: string, name: string): Certificates {
  const path = (end: string): string => join(dir, `${name}-${end}`)
  const openssl = (...words: readonly string[]): void =>
    void execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ca = path('ca.pem')
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    path('ca.key'),
    '-out',
    ca,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  )
  const issue = (who: string): { readonly certificate: string; readonly key: string } => {
    const [certificate, key] = [path(`${who}.pem`), path(`${who}.key`)]
    openssl('req', ...newKey, '-keyout', key, '-out', path(`${who}.csr`), '-subj', `/CN=${who}`)
    writeFileSync(path(`${who}.ext`), 'subjectAltName=IP:127.0.0.1\n')
    const signed = [
      '-CA',
      ca,
      '-CAkey',
      path('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      path(`${who}.ext`),
    ]
    openssl('x509', '-req', '-in', path(`${who}.csr`), '-out', certificate, ...signed)
    return { certificate, key }
  }
  return { ca, client: issue('client'), server: issue('server') }
}
