/**
 * An engine that serves until it is told to close, or killed.
 *
 *   engine.child.ts <data directory> <run directory> <namespace of the host>
 */
import { serveEngine } from '../../src/server/server.ts'

const [dataDir = '', runDir = '', hostNetns = ''] = process.argv.slice(2)
const served = await serveEngine({ dataDir, hostNetns, runDir })
process.once('message', () => {
  void served.close().then(() => process.disconnect())
})
process.send?.('ready')
