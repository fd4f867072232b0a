import { generateKeyPairSync } from "node:crypto";
import { isIP } from "node:net";
import forge from "node-forge";

const { pki, md } = forge;

/** In PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** The host names and IP addresses that it is for. */
  readonly names: readonly string[];
  /** From when to when it is valid, in days from now. */
  readonly days?: readonly [from: number, to: number];
}

const DAY = 24 * 3600 * 1000;

/** A certificate that is its own authority. */
export function selfSigned(options: CertificateOptions): KeyAndCertificate {
  const { certificate, ...keys } = newCertificate(options);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.sign(keys.privateKey, md.sha256.create());
  return { key: keys.key, cert: pki.certificateToPem(certificate) };
}

/** An authority of a test's own, which signs certificates. */
export class CertificateAuthority {
  /** Its own certificate, in PEM. */
  readonly cert: string;
  readonly #certificate: forge.pki.Certificate;
  readonly #privateKey: forge.pki.rsa.PrivateKey;

  constructor(name: string) {
    const { certificate, privateKey } = newCertificate({ names: [] }, name);
    certificate.setIssuer(certificate.subject.attributes);
    certificate.setExtensions([{ name: "basicConstraints", cA: true, critical: true }]);
    certificate.sign(privateKey, md.sha256.create());
    this.cert = pki.certificateToPem(certificate);
    this.#certificate = certificate;
    this.#privateKey = privateKey;
  }

  sign(options: CertificateOptions): KeyAndCertificate {
    const { certificate, key } = newCertificate(options);
    certificate.setIssuer(this.#certificate.subject.attributes);
    certificate.sign(this.#privateKey, md.sha256.create());
    return { key, cert: pki.certificateToPem(certificate) };
  }
}

let serialNumber = 1;

function newCertificate({ names, days = [-1, 1] }: CertificateOptions, commonName = "a Cassandra of a test") {
  const { publicKey, privateKey: key } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = (serialNumber++).toString(16).padStart(4, "0");
  const [notBefore, notAfter] = days.map((day) => new Date(Date.now() + day * DAY)) as [Date, Date];
  Object.assign(certificate.validity, { notBefore, notAfter });
  certificate.setSubject([{ name: "commonName", value: commonName }]);
  if (names.length > 0) certificate.setExtensions([{ name: "subjectAltName", altNames: names.map(alternativeName) }]);
  return { certificate, key, privateKey: pki.privateKeyFromPem(key) };
}

/** Its kinds are numbered in RFC 5280: 2 is a DNS name, 7 an IP address. */
function alternativeName(name: string): object {
  return isIP(name) ? { type: 7, ip: name } : { type: 2, value: name };
}
