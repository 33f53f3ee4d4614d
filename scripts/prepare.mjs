/** `npm ci` and `npm pack` end with a build, except when our own set-up runs npm and will see to the build itself. */
if (process.env.CHRONET_SKIP_PREPARE !== '1') await import('./build.mjs')
