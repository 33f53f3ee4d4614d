import { kernelContract } from '../contracts/kernel.ts'
import { simulatedMachine } from '../contracts/simulated.ts'

kernelContract('simulated', simulatedMachine)
