/**
 * Addresses as users write them: `host:port`, or `[v6]:port`. Parses and checks only; names are resolved by whoever
 * connects, at each connect. Pure.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { ConclaveError } from '../errors.js';

/** Where to listen or connect. `host` is a name or a bare IP address, without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The length of an address at most: a name of 253 characters, brackets and a port. */
export const NODE_ID_CHARS_MAX = 264;

const HOST_CHARS_MAX = 253;
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;
const BRACKETED = /^\[([^\]]*)\]:(.*)$/s;
const PLAIN = /^([^:]*):([^:]*)$/s;
const PORT = /^[1-9][0-9]{0,4}$/;
const PORT_MAX = 65_535;

/**
 * Parses `host:port` or `[v6]:port`, where the port is 1 to 65535.
 *
 * @param option the option that the value was given for; named in the error.
 * @throws ConclaveError `ERR_INVALID_OPTION` naming the value and what is wrong with it.
 */
export function parseAddress(value: string, option: string): Address {
  const parts = BRACKETED.exec(value) ?? PLAIN.exec(value);
  if (parts === null) {
    throw invalid(value, option, isIPv6(value) ? 'an IPv6 address needs brackets, as in [::1]:4321' : 'no host:port');
  }
  const host = parts[1]!;
  const port = parts[2]!;
  const flaw = value.startsWith('[') ? flawOfIPv6(host) : flawOfHost(host);
  if (flaw !== null) throw invalid(value, option, flaw);
  if (!PORT.test(port) || Number(port) > PORT_MAX) throw invalid(value, option, `the port is not 1 to ${PORT_MAX}`);
  return { host, port: Number(port) };
}

/** Is this an address? For what comes from elsewhere than a user. */
export function isAddress(value: string): boolean {
  try {
    parseAddress(value, 'address');
    return true;
  } catch {
    return false;
  }
}

/** The address as a user would write it. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function flawOfIPv6(host: string): string | null {
  return isIPv6(host) ? null : 'what is in brackets is not an IPv6 address';
}

function flawOfHost(host: string): string | null {
  if (host === '') return 'the host is empty';
  if (host.length > HOST_CHARS_MAX || !HOST_NAME.test(host)) return 'the host is not a name or an IP address';
  // Resolvers read the likes of 10.1 and 1.2.3 as addresses of their own making.
  if (/^[0-9.]+$/.test(host) && !isIPv4(host)) return 'the host is not an IPv4 address';
  return null;
}

function invalid(value: string, option: string, flaw: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option}: ${JSON.stringify(value)} is no address: ${flaw}.`, {
    data: { option, value },
  });
}
