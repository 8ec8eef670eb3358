// nodemailer as its documentation shows it: POLICY MODE HOST PORT CA CERT KEY COUNT [USER PASSWORD], message on standard input.
const fs = require("fs");
const nodemailer = require("nodemailer");

const [policy, mode, host, port, ca, cert, key, count, user, pass] = process.argv.slice(2);
const trust = policy === "verify" ? { ca: fs.readFileSync(ca) } : { rejectUnauthorized: false };
const transport = nodemailer.createTransport({
  host, port: Number(port), secure: mode === "implicit", requireTLS: policy === "verify", name: "sender.smtp.test",
  tls: { ...trust, cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
  ...(user ? { auth: { user, pass } } : {}),
});
const raw = fs.readFileSync(0);

async function main() {
  for (let sent = 0; sent < Number(count); sent += 1) {
    await transport.sendMail({ envelope: { from: "trial@sender.smtp.test", to: ["someone@receiver.smtp.test"] }, raw });
  }
}

main().then(() => process.exit(0), (error) => { console.error(String(error)); process.exit(1); });
