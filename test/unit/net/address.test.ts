import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../../src/net/address.js';

describe('parseAddress', () => {
  it.each([
    ['serverA:4321', 'serverA', 4321],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['a.b-c.example.:65535', 'a.b-c.example.', 65535],
    ['node_1:80', 'node_1', 80],
    ['[::1]:4321', '::1', 4321],
    ['[2001:db8::5]:9', '2001:db8::5', 9],
    ['[fe80::1%eth0]:9', 'fe80::1%eth0', 9],
  ])('reads %s', (value, host, port) => {
    const address = parseAddress(value, 'self');

    expect(address).toEqual({ host, port });
    expect(formatAddress(address)).toBe(value);
  });

  it.each([
    ['', 'no host:port'],
    ['serverA', 'no host:port'],
    [':4321', 'the host is empty'],
    ['serverA:', 'the port is not'],
    ['serverA:0', 'the port is not'],
    ['serverA:65536', 'the port is not'],
    ['serverA:99999', 'the port is not'],
    ['serverA:4321x', 'the port is not'],
    ['serverA:+80', 'the port is not'],
    ['serverA:1e3', 'the port is not'],
    ['serverA: 80', 'the port is not'],
    ['server A:80', 'the host is not'],
    ['-a:80', 'the host is not'],
    ['a/b:80', 'the host is not'],
    ['a\n:80', 'the host is not'],
    [`${'x'.repeat(254)}:80`, 'the host is not'],
    ['300.1.1.1:80', 'not an IPv4'],
    ['10.1:80', 'not an IPv4'],
    ['::1:4321', 'needs brackets'],
    ['a:b:80', 'no host:port'],
    ['[::1]', 'no host:port'],
    ['[::1]4321', 'no host:port'],
    ['[serverA]:80', 'not an IPv6'],
    ['[]:80', 'not an IPv6'],
    ['http://serverA:80', 'no host:port'],
  ])('refuses %j, naming it', (value, flaw) => {
    const parse = (): unknown => parseAddress(value, 'peers');

    expect(parse).toThrow(JSON.stringify(value));
    expect(parse).toThrow(flaw);
    expect(parse).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION', data: { option: 'peers', value } }));
  });
});
