// nodemailer as its documentation shows it: POLICY HOST PORT CA, message on standard input.
const fs = require("fs");
const nodemailer = require("nodemailer");

const [policy, host, port, ca] = process.argv.slice(2);
const tls = policy === "verify" ? { ca: fs.readFileSync(ca) } : { rejectUnauthorized: false };
const transport = nodemailer.createTransport({
  host, port: Number(port), secure: false, requireTLS: policy === "verify", name: "sender.smtp.test", tls,
});
transport.sendMail({
  envelope: { from: "trial@sender.smtp.test", to: ["someone@receiver.smtp.test"] },
  raw: fs.readFileSync(0),
}).then(() => process.exit(0), (error) => { console.error(String(error)); process.exit(1); });
