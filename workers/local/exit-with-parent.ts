/**
 * Loaded into the worker before its own script: when the parent is gone, however it went, the worker ends too.
 * The channel doesn't keep the process alive by itself.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()
