"""The words for what is wrong with a target's names, its session or its TLS.

The runs were made against a receiver that has the one fault, with the versions that `certificates.py` names;
`tests/peers/test_foreign_words.py` makes those of the programs that are at hand again. The rows of Exchange and Exchange Online are
facts/exchange 1.2, 2.1, 2.2 and 2.4.
"""

from __future__ import annotations

from lab.check.findings import SessionFindingId as S
from lab.report.words.stack import Stack, Word

_OPENSSL = "run of openssl s_client 3.0"
_POSTFIX = "vdukhovni/postfix postfix/src/smtp/smtp_proto.c"
_FINGER = "run of posttls-finger 3.7"
_EXIM = "run of Exim 4.96 with GnuTLS"
_SWAKS = "run of swaks 20201014"
_GNUTLS = "run of gnutls-cli 3.7 --starttls-proto=smtp"
_CURL = "run of curl 7.88 with OpenSSL 3.0"
_JAVA = "run of OpenJDK 17"
_JAVAMAIL = "JavaMail, com.sun.mail.smtp.SMTPTransport"
_GO = "run of Go 1.19"
_MAIL = "dotnet/runtime src/libraries/System.Net.Mail/src/Resources/Strings.resx"
_SECURITY = "dotnet/runtime src/libraries/System.Net.Security/src/Resources/Strings.resx"
_MICROSOFT = "Microsoft, mail-flow-intelligence-in-office-365.md"
_RETURN_CODE = "the verify return code stays 0 (ok): do not trust that line alone"
_SOCKET_ERROR = Word("450 4.4.317 Cannot connect to remote server [Message=451 4.4.0 TLS negotiation failed with error SocketError]",
                     "message trace, reported 2023-03")  # fmt: skip
_QUEUE = Word(
    "421 4.4.2 Connection dropped due to SocketError", "Microsoft, OfficeDocs-Support, send-receive-emails-socketerror.md"
)
_HANDSHAKE = Word(
    "Cannot start TLS: handshake failure", _POSTFIX, "the reason stands in the warning before it: TLS library problem"
)
_START_FAILED = Word("a TLS session is required, but an attempt to start TLS failed", _EXIM)


def _startup(text: str) -> Word:
    return Word(f"*** TLS startup failed (connect(): {text})", _SWAKS)


def _openssl(text: str) -> Word:
    return Word(f"error:{text}", _OPENSSL, _RETURN_CODE)


SESSIONS: dict[S, dict[Stack, Word]] = {
    S.DNS_FAILED: {
        Stack.ONLINE_CLASSIC: Word("450 4.4.312 DNS query failed", _MICROSOFT),
        Stack.ONLINE_CURRENT: Word("450 4.4.312 DNS query failed", _MICROSOFT),
    },
    S.CONNECTION_REFUSED: {
        Stack.OPENSSL: Word("connect:errno=111", _OPENSSL),
        Stack.ONLINE_CLASSIC: Word("450 4.4.316 Connection refused", _MICROSOFT),
        Stack.ONLINE_CURRENT: Word("450 4.4.316 Connection refused [Message=Socket error code 10061]", _MICROSOFT),
        Stack.POSTFIX: Word("connect to NAME[ADDRESS]:PORT: Connection refused", _FINGER),
        Stack.JAVA: Word("java.net.ConnectException: Connection refused", _JAVA),
        Stack.GO: Word("dial tcp ADDRESS:PORT: connect: connection refused", _GO),
        Stack.CURL: Word("curl: (7) Failed to connect to NAME port PORT after N ms: Couldn't connect to server", _CURL),
        Stack.SWAKS: Word("*** Error connecting to NAME:PORT:\n*** \tIO::Socket::INET: connect: Connection refused", _SWAKS),
    },
    S.CONNECTION_TIMED_OUT: {
        Stack.ONLINE_CLASSIC: Word("450 4.4.315 Connection timed out", _MICROSOFT),
        Stack.ONLINE_CURRENT: Word("450 4.4.315 Connection timed out", _MICROSOFT),
    },
    S.CONNECTION_CLOSED: {
        Stack.ONLINE_CLASSIC: Word("450 4.4.318 Connection was closed abruptly", _MICROSOFT),
        Stack.ONLINE_CURRENT: Word("450 4.4.318 Connection was closed abruptly", _MICROSOFT),
        Stack.POSTFIX: Word("lost connection while reading server greeting", _FINGER),
        Stack.SWAKS: Word("*** Remote host closed connection unexpectedly.", _SWAKS),
    },
    S.BANNER_REFUSED: {
        Stack.EXIM: Word("SMTP error from remote mail server after initial connection: CODE TEXT", _EXIM),
        Stack.OPENSSL: Word("", _OPENSSL, "goes on whatever the banner says"),
        Stack.POSTFIX: Word("SMTP service not available: CODE TEXT", _FINGER),
        Stack.CURL: Word("curl: (8) Got unexpected smtp-server response: CODE", _CURL),
        Stack.SWAKS: Word("<** CODE TEXT", _SWAKS, "exit code 21"),
    },
    S.NOT_SMTP: {
        Stack.OPENSSL: Word("Didn't find STARTTLS in server response, trying anyway...", _OPENSSL, _RETURN_CODE),
        Stack.POSTFIX: Word("SMTP service not available: 0 TEXT", _FINGER),
        Stack.CURL: Word("curl: (56) response reading failed (errno: N)", _CURL),
    },
    S.EHLO_REFUSED: {
        Stack.EXIM: Word("a TLS session is required, but the server did not offer TLS support", _EXIM),
        Stack.OPENSSL: Word("Didn't find STARTTLS in server response, trying anyway...", _OPENSSL),
        Stack.POSTFIX: Word("EHLO rejected: CODE TEXT", _FINGER),
        Stack.GNUTLS: Word("error receiving '250 ': Timeout", _GNUTLS),
        Stack.CURL: Word("curl: (9) Remote access denied: CODE", _CURL),
        Stack.SWAKS: Word("*** Host did not advertise STARTTLS", _SWAKS),
    },
    S.STARTTLS_NOT_OFFERED: {
        Stack.OPENSSL: Word("Didn't find STARTTLS in server response, trying anyway...", _OPENSSL, _RETURN_CODE),
        Stack.EXCHANGE: Word("451 5.7.3 STARTTLS is required to send mail",
                             "Microsoft, OfficeDocs-Support, cannot-receive-mail-with-new-certificate.md"),
        Stack.ONLINE_CLASSIC: Word(
            "450 4.4.101 Proxy session setup failed on Frontend with '451 4.4.0 Primary target IP address responded with \"451 5.7.3 "
            "STARTTLS is required to send mail.\" Attempted failover ...'",
            "Microsoft, OfficeDocs-Support, cannot-receive-mail-with-new-certificate.md", "of 2013; the rest of the line is not attested"),
        Stack.ONLINE_CURRENT: Word(
            "450 4.4.317 Cannot connect to remote server [Message=451 5.7.3 STARTTLS is required to send mail]", "NDR, reported 2020-12"),
        Stack.POSTFIX: Word("TLS is required, but was not offered by host NAME[ADDRESS]", _POSTFIX, "4.7.4"),
        Stack.EXIM: Word("a TLS session is required, but the server did not offer TLS support", _EXIM),
        Stack.JAVA: Word("STARTTLS is required but host does not support STARTTLS", _JAVAMAIL, "with mail.smtp.starttls.required"),
        Stack.DOTNET: Word("Server does not support secure connections.", _MAIL, "SmtpClient with EnableSsl"),
        Stack.GNUTLS: Word("error receiving '220 ': Timeout", _GNUTLS),
        Stack.CURL: Word("curl: (64) STARTTLS not supported.", _CURL, "with --ssl-reqd"),
        Stack.SWAKS: Word("*** Host did not advertise STARTTLS", _SWAKS, "exit code 29"),
    },
    S.STARTTLS_REFUSED: {
        Stack.OPENSSL: _openssl("0A00010B:SSL routines:ssl3_get_record:wrong version number"),
        Stack.POSTFIX: Word("TLS is required, but host NAME[ADDRESS] refused to start TLS: CODE TEXT", _POSTFIX),
        Stack.EXIM: _START_FAILED,
        Stack.GNUTLS: Word("error receiving '220 ': Timeout", _GNUTLS),
        Stack.CURL: Word("curl: (64) STARTTLS denied, code CODE", _CURL),
        Stack.SWAKS: Word("*** STARTTLS attempted but failed", _SWAKS, "exit code 29"),
    },
    S.PLAINTEXT_AFTER_STARTTLS: {
        Stack.EXIM: Word("TLS session: synch error before connect", _EXIM),
        Stack.OPENSSL: Word("", _OPENSSL, "throws it away"),
        Stack.POSTFIX: Word("", _FINGER, "throws it away"),
        Stack.CURL: Word("curl: (8) Weird server reply", _CURL),
        Stack.SWAKS: Word("", _SWAKS, "says nothing of it"),
    },
    S.NOT_TLS: {
        Stack.EXIM: Word("TLS session: (gnutls_handshake): An unexpected TLS packet was received.", _EXIM),
        Stack.OPENSSL: _openssl("0A00010B:SSL routines:ssl3_get_record:wrong version number"),
        Stack.ONLINE_CURRENT: Word("450 4.4.317 Cannot connect to remote server [Message=451 4.4.0 Security status IllegalMessage]",
                                   "reported 2024-11", "also InvalidToken"),
        Stack.POSTFIX: _HANDSHAKE,
        Stack.JAVA: Word("javax.net.ssl.SSLException: Unsupported or unrecognized SSL message", _JAVA),
        Stack.DOTNET: Word("Cannot determine the frame size or a corrupted frame was received.", _SECURITY),
        Stack.GO: Word("tls: first record does not look like a TLS handshake", _GO),
        Stack.GNUTLS: Word("*** Fatal error: An unexpected TLS packet was received.", _GNUTLS),
        Stack.CURL: Word("curl: (35) OpenSSL/VERSION: error:0A00010B:SSL routines::wrong version number", _CURL),
        Stack.SWAKS: _startup("error:0A00010B:SSL routines::wrong version number"),
    },
    S.HANDSHAKE_FAILED: {
        Stack.EXCHANGE: _QUEUE,
        Stack.ONLINE_CURRENT: _SOCKET_ERROR,
        Stack.POSTFIX: _HANDSHAKE,
        Stack.JAVA: Word("javax.net.ssl.SSLHandshakeException: Received fatal alert: ALERT", _JAVA),
        Stack.DOTNET: Word("Authentication failed because the remote party sent a TLS alert: 'ALERT'.", _SECURITY),
        Stack.GO: Word("remote error: tls: ALERT", _GO),
        Stack.GNUTLS: Word("*** Fatal error: A TLS fatal alert has been received.", _GNUTLS),
        Stack.CURL: Word("curl: (35) OpenSSL/VERSION: error:NUMBER:SSL routines::REASON", _CURL),
        Stack.SWAKS: _startup("error:NUMBER:SSL routines::REASON"),
    },
    S.HANDSHAKE_CLOSED: {
        Stack.EXIM: Word("TLS session: (gnutls_handshake): The TLS connection was non-properly terminated.", _EXIM),
        Stack.OPENSSL: _openssl("0A000126:SSL routines:ssl3_read_n:unexpected eof while reading"),
        Stack.ONLINE_CURRENT: Word(
            "450 4.4.317 Cannot connect to remote server [Message=451 4.4.0 TLS negotiation failed with error ConnectionAborted]",
            "connector validation, reported 2025-01"),
        Stack.POSTFIX: Word("SSL_connect error to NAME[ADDRESS]:PORT: lost connection", _FINGER),
        Stack.JAVA: Word("javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake", _JAVA),
        Stack.DOTNET: Word("Authentication failed because the remote party has closed the transport stream.", _SECURITY),
        Stack.GO: Word("EOF", _GO),
        Stack.GNUTLS: Word("*** Fatal error: The TLS connection was non-properly terminated.", _GNUTLS),
        Stack.CURL: Word("curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to NAME:PORT", _CURL),
        Stack.SWAKS: _startup("error:0A000126:SSL routines::unexpected eof while reading"),
    },
    S.NO_COMMON_VERSION: {
        Stack.OPENSSL: Word(
            "error:0A00014D:SSL routines:tls_process_key_exchange:legacy sigalg disallowed or unsupported", _OPENSSL,
            "of a receiver that knows TLS 1.0 only"),
        Stack.EXCHANGE: _QUEUE,
        Stack.ONLINE_CURRENT: _SOCKET_ERROR,
        Stack.POSTFIX: _HANDSHAKE,
        Stack.JAVA: Word("javax.net.ssl.SSLHandshakeException: Received fatal alert: protocol_version", _JAVA),
        Stack.DOTNET: Word("Authentication failed because the remote party sent a TLS alert: 'ProtocolVersion'.", _SECURITY),
        Stack.GO: Word("remote error: tls: protocol version not supported", _GO),
        Stack.CURL: Word("curl: (35) OpenSSL/VERSION: error:0A00014D:SSL routines::legacy sigalg disallowed or unsupported", _CURL),
        Stack.SWAKS: _startup("error:0A00014D:SSL routines::legacy sigalg disallowed or unsupported"),
    },
    S.NO_COMMON_CIPHER: {
        Stack.OPENSSL: _openssl("0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure"),
        Stack.POSTFIX: _HANDSHAKE,
        Stack.JAVA: Word("javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure", _JAVA),
        Stack.DOTNET: Word("Authentication failed because the remote party sent a TLS alert: 'HandshakeFailure'.", _SECURITY),
        Stack.GO: Word("remote error: tls: handshake failure", _GO),
        Stack.GNUTLS: Word("*** Received alert [40]: Handshake failed", _GNUTLS),
        Stack.CURL: Word("curl: (35) OpenSSL/VERSION: error:0A000410:SSL routines::sslv3 alert handshake failure", _CURL),
        Stack.SWAKS: _startup("error:0A000410:SSL routines::sslv3 alert handshake failure"),
    },
    S.EHLO_AFTER_TLS_REFUSED: {
        Stack.POSTFIX: Word("EHLO rejected: CODE TEXT", _FINGER),
        Stack.CURL: Word("", _CURL, "goes on with HELO"),
    },
    S.CERTIFICATE_TOO_LARGE: {
        Stack.OPENSSL: Word("", _OPENSSL, "s_client takes 200 KB"),
        Stack.JAVA: Word("javax.net.ssl.SSLProtocolException: The size of the handshake message (N) exceeds the maximum allowed size (32768)",
                         _JAVA),
        Stack.GO: Word("tls: handshake message of length N bytes exceeds maximum of 65536 bytes", _GO),
        Stack.GNUTLS: Word("*** Fatal error: The handshake data size is too large.", _GNUTLS),
        Stack.CURL: Word("curl: (35) OpenSSL/VERSION: error:0A000098:SSL routines::excessive message size", _CURL),
        Stack.SWAKS: _startup("error:0A000098:SSL routines::excessive message size"),
    },
}  # fmt: skip
