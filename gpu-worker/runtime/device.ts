/** What computes a session: the processor, or one GPU by CUDA. */
export type Device = { readonly provider: 'cpu' } | { readonly provider: 'cuda'; readonly index: number }

export const CPU: Device = { provider: 'cpu' }

/** As `/readyz` tells it: `cpu`, `cuda:0`. */
export function deviceName(device: Device): string {
  return device.provider === 'cpu' ? 'cpu' : `cuda:${device.index}`
}
