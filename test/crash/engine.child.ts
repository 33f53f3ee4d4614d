/** placeholder */
import { createController } from '../../src/index.ts'
console.log(typeof createController, performance.now())
