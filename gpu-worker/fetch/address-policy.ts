/** Which hosts and addresses audio may be fetched from. Pure: names and addresses in, a verdict out. */
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** What is allowed; see `parsePolicy`. */
export interface AddressPolicy {
  /** Host names; null: any. */
  hosts: readonly string[] | null
  deniedHosts: readonly string[]
  /** Networks that are allowed although they aren't public. */
  networks: readonly [Address, number][]
  deniedNetworks: readonly [Address, number][]
}

/** Addresses that look public and aren't: Azure's metadata. */
const alwaysDenied = ['168.63.129.16/32']

/** Ports of services that speak something else are not for us: below 1024 only HTTP's own. */
export function isAllowedPort(port: number): boolean {
  return port === 80 || port === 443 || port >= 1024
}

/** @param host as `URL.hostname` gives it: lower case, punycode */
export function isAllowedHost(host: string, policy: AddressPolicy): boolean {
  const name = host.replace(/\.$/, '')
  if (policy.deniedHosts.some(pattern => matchesHost(name, pattern))) return false
  return policy.hosts === null || policy.hosts.some(pattern => matchesHost(name, pattern))
}

/**
 * Whether an address may be dialled: it is public, by IANA's registries, or in a network of the policy. Every form
 * that carries an IPv4 address inside an IPv6 one (mapped, translated, NAT64, 6to4, Teredo) is refused: none is
 * needed to reach what is public.
 */
export function isAllowedAddress(text: string, policy: AddressPolicy): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  if (isIn(address, policy.deniedNetworks)) return false
  if (isIn(address, policy.networks)) return true
  if (address.range() !== 'unicast') return false
  // Only 2000::/3 has been given out.
  return address.kind() === 'ipv4' || (address.toByteArray()[0]! & 0xe0) === 0x20
}

/**
 * The policy of three settings.
 * @param allow `off`: nothing is fetched; `public`: from any host; or host names between commas, `*.example.com` for all beneath one
 * @param deny host names and networks (`203.0.113.0/24`) between commas
 * @param networks networks that may be reached although they aren't public, between commas
 * @returns null where nothing is fetched
 * @throws TypeError for what is neither a name nor a network
 */
export function parsePolicy(allow: string, deny = '', networks = ''): AddressPolicy | null {
  if (allow === 'off') return null
  const denied = split(deny)
  return {
    hosts: allow === 'public' ? null : split(allow).map(toHost),
    deniedHosts: denied.filter(item => !item.includes('/')).map(toHost),
    networks: split(networks).map(toNetwork),
    deniedNetworks: [...alwaysDenied, ...denied.filter(item => item.includes('/'))].map(toNetwork),
  }
}

function matchesHost(host: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern
}

function isIn(address: Address, networks: readonly [Address, number][]): boolean {
  return networks.some(network => network[0].kind() === address.kind() && address.match(network))
}

function toHost(item: string): string {
  const name = item.toLowerCase()
  if (/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name)) return name
  throw new TypeError(`'${item}' is not a host name.`)
}

function toNetwork(item: string): [Address, number] {
  if (!ipaddr.isValidCIDR(item)) throw new TypeError(`'${item}' is not a network such as 10.0.0.0/8.`)
  return ipaddr.parseCIDR(item)
}

function split(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}
