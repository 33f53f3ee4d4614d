/** Somebody opens a controller and makes a sandbox; what came of it, as one line of JSON. */
import { createController } from '../../src/index.ts'
import { createKernelWorld, openSimulatedKernel } from '../../src/simulator/index.ts'
import { systemPorts } from '../../src/system/ports.ts'

const [dataDir = '', runDir = '', kernel = 'real', hostNetns] = process.argv.slice(2)
const { hash, timers } = systemPorts()
const world = createKernelWorld()
const simulated = {
  ports: {
    openKernel: (options: Parameters<ReturnType<typeof systemPorts>['openKernel']>[0]) =>
      openSimulatedKernel(world, { ...options, hash, timers }),
  },
}
try {
  const controller = await createController({
    dataDir,
    runDir,
    ...(hostNetns === undefined ? {} : { hostNetns }),
    ...(kernel === 'simulated' ? simulated : {}),
  })
  await controller.newSandbox('a')
  await controller.close()
  console.log(JSON.stringify({ opened: true }))
} catch (error) {
  const { code, details, message } = error as Error & { readonly code?: string; readonly details?: object }
  console.log(JSON.stringify({ code, details, message }))
}
