"""Words in names of accounts that belong to no person, in the languages our customers write. Folded, without accents
(`suggestions.tokens`); ø and æ are letters of their own.

What is certain tells wherever it stands. What may be somebody's surname (Sales, Post, Test, Jobs, Drucker) tells only
at the beginning, or where every word of the name is one of ours.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """Words of one meaning."""

    certain: frozenset[str]
    leading: frozenset[str]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


SERVICE = Words(
    certain=_set(
        """
        svc svcacct serviceaccount servicekonto systemkonto dienstkonto tjenestekonto postmaster hostmaster
        webmaster scanner scantomail kopimaskine multifunktionsprinter printserver kiosk helpdesk servicedesk
        backup sync autosync mailbox sharedmailbox postkasse fællespostkasse hovedpostkasse postfach funktionspostfach
        gemeinschaftspostfach postvak brievenbus postilaatikko boiteauxlettres newsletter nyhedsbrev nyhetsbrev
        nieuwsbrief voicemail telefonsvarer anrufbeantworter chatbot automation runbook webhook smtp smtprelay sql
        mysql sharepoint scheduler gitlab github terraform ansible zabbix nagios splunk testuser testaccount
        testbruger testkonto testbenutzer testmailbox digitalsignage infoskaerm infoskærm
        noreply donotreply dontreply notreply noanswer ikkesvar svarikke ikkebesvar svarainte svarej nichtantworten
        keineantwort bittenichtantworten nepasrepondre noresponder naoresponda nietbeantwoorden nonrispondere alavastaa
        mailerdaemon breakglass emergencyaccess nodadgang nødadgang notfallzugang faellespostkasse systemaccount
        """
    ),
    leading=_set(
        """
        service services support info information kontakt contact contacto contatti contato kundeservice kundservice
        kundenservice kundensupport kundtjanst customerservice customercare klantenservice asiakaspalvelu
        test tester tests demo dummy temp template skabelon vorlage sample example user bruger benutzer konto account
        printer print drucker kopierer skriver tulostin imprimante impresora fax faxserver system server monitor
        monitoring scan api daemon jenkins alert alerts alarm alarms notification notifications meddelelser
        benachrichtigung mailer bot robot
        sales salg vertrieb verkauf forsaljning verkoop ventes ventas myynti vendite
        reception receptionen receptionist resepsjon empfang rezeption receptie accueil recepcion recepcao vastaanotto
        office kontor kontoret buero buro sekretariat sekretariatet zentrale omstilling omstillingen switchboard
        hovednummer frontdesk vagt vagten vagtcentral wachdienst security
        invoice invoices invoicing billing faktura fakturaer fakturor rechnung rechnungen facture factures facturen
        facturas lasku laskut bogholderi bogholderiet regnskab regnskap ekonomi okonomi økonomi buchhaltung finance
        accounting accounts boekhouding compta comptabilite contabilidad loenkontor lønkontor payroll payslip lohnbuero
        purchasing procurement indkob indkøb indkoeb innkjop innkjøp inkop einkauf inkoop achats compras ordre ordrer
        order orders bestellung bestellungen bestilling bestellingen
        jobs job career careers karriere karriar recruiting recruitment rekruttering bewerbung bewerbungen ansogning
        ansøgning vacatures hrservice personale personaleafdeling personalabteilung
        marketing presse press news nyheder events event kurser kursus training schulung webinar webshop shop butik
        butikken lager lageret warehouse kasse kassen kasserer drift driften hausmeister vicevaert
        vicevært maintenance wartung vedligehold logistik logistics transport disposition versand forsendelse shipping
        gdpr dpo datenschutz databeskyttelse privacy compliance whistleblower abuse spam archive arkiv archiv journal
        team booking bokning reservation buchung sentralbord vaxel poststelle postmottak laskutus copieur
        factuur administratie secretariaat secretariat segreteria secretaria ufficio acquisti fatturazione
        facturacion faturamento recursoshumanos biuro ksiegowosc kadry recepcja zamowienia
        бухгалтерия приемная секретариат ρεσεψιον γραμματεια λογιστηριο
        """
    ),
)
ROOM = Words(
    certain=_set(
        """
        meetingroom conferenceroom confroom boardroom huddleroom trainingroom mtgroom meetingrum moderum møderum
        modelokale mødelokale moedelokale konferencerum konferenceraum konferenzraum besprechungsraum besprechungszimmer
        besprechung sitzungszimmer sitzungsraum schulungsraum seminarraum moterom møterom motesrom motesrum
        konferensrum sammantradesrum vergaderzaal vergaderruimte vergaderkamer kokoushuone neuvotteluhuone
        salledereunion sallereunion saladereuniones salareuniones salareunioni salariunioni salakonferencyjna
        teamsroom projector projektor videoconference
        poolcar poolbil firmabil delebil dienstwagen poolfahrzeug leihwagen
        """
    ),
    leading=_set(
        """
        room rooms rum lokale beamer raum zimmer equipment udstyr ausruestung ausrustung utrustning utstyr car bil
        fahrzeug vehicle kapelle auditorium kantine kantinen canteen parking parkering parkplatz
        """
    ),
)
ADMIN = Words(
    certain=_set("adm admin sysadmin superadmin globaladmin domainadmin tenantadmin cloudadmin adminaccount"),
    leading=_set("root administrator administrators administrateur systemadministrator rendszergazda"),
)
# Words that tell nothing alone, and that are no name of a person either.
FILLER = _set(
    """
    it hr dk de se uk us eu the of for at and og und en no do not reply our team teams group gruppe prod dev qa stage
    old new gammel ny alt neu main global local cloud azure aad ad entra exchange mail email post
    web app erp crm sap nav bc hq all alle department afdeling abteilung desk front back center centre
    """
)
CERTAIN = SERVICE.certain | ROOM.certain | ADMIN.certain
EVERY = CERTAIN | SERVICE.leading | ROOM.leading | ADMIN.leading | FILLER
