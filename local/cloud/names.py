"""Names, departments, titles and offices that the made-up people are drawn from."""

from typing import Final

from local.cloud.wire import words

GIVEN: Final = words(
    "Aisha Akira Alejandra Alice Amara Anders Aneta Anna Antoine Arjun Astrid Ayşe Beatriz Ben Björn Bogdan "
    "Camille Carlos Chiara Chloé Daan Daniel Dimitra Dmytro Eero Elena Élodie Emma Esra Fatima Felix Fiona "
    "Freja Giulia Grace Hana Hannah Hiroshi Hugo Ibrahim Ines Ingrid Isabel Ivan Jakub James Jan João José "
    "Jürgen Kaito Karim Katarzyna Kofi Lars Leila Lena Liam Linh Lotte Lucía Łukasz Maja Malik María Marta "
    "Mateo Mei Mehmet Mia Miguel Mikkel Mohammed Nadia Naomi Nguyen Niamh Nikos Noor Nuno Oksana Olga Oliver "
    "Omar Pedro Petra Pierre Priya Rania Ravi Renée Rosa Ryan Sam Sanne Sara Siobhán Sofia Søren Stefan Sven "
    "Tariq Thandi Theo Tomás Ursula Valentina Victor Wei William Xin Yara Yusuf Zanele Zofia Žiga"
)
FAMILY: Final = words(
    "Abdullah Adeyemi Almeida Andersen Bakker Bauer Bianchi Bondarenko Brown Çelik Chen Costa Cruz Dubois "
    "Dvořák Eriksson Evans Fernández Fischer Fontaine Fujita García Georgiou Gómez Gonçalves Gupta Haddad "
    "Hansen Hernández Hoffmann Horvat Ivanova Jansen Jensen Johansson Jones Kaya Khan Kim Kowalski Kozák Kumar "
    "Laurent Lee Lindqvist López Mäkinen Martin Mbeki Meyer Molina Moreau Müller Murphy Nakamura Ncube Nguyễn "
    "Nielsen Novák O'Brien Okafor Olsen Öztürk Papadopoulos Patel Pereira Petrov Popescu Ramírez Rossi "
    "Rousseau Ruiz Sánchez Santos Sato Schmidt Schneider Silva Singh Smith Sørensen Suzuki Szabó Tanaka "
    "Thompson Tóth Tran Van-den-Berg Vargas Virtanen Wagner Walsh Wang Weber Wiśniewska Wójcik Yamamoto Yılmaz "
    "Zhang Zimmermann"
)
DEPARTMENTS: Final = (
    "Design",
    "Finance",
    "Human Resources",
    "IT",
    "Legal",
    "Logistics",
    "Manufacturing",
    "Marketing",
    "Procurement",
    "Research",
    "Retail",
    "Sales",
)
TITLES: Final = (
    "Account Manager",
    "Analyst",
    "Buyer",
    "Controller",
    "Designer",
    "Developer",
    "Engineer",
    "Forklift Driver",
    "Intern",
    "Pattern Maker",
    "Planner",
    "Project Lead",
    "Shop Assistant",
    "Specialist",
    "Store Manager",
    "Team Lead",
    "Technician",
)
# office, city, country, preferred language
OFFICES: Final = (
    ("HQ 3.14", "Copenhagen", "Denmark", "da-DK"),
    ("Speicherstadt 2", "Hamburg", "Germany", "de-DE"),
    ("Atelier", "Lyon", "France", "fr-FR"),
    ("Fábrica Norte", "Porto", "Portugal", "pt-PT"),
    ("Canal House", "Amsterdam", "Netherlands", "nl-NL"),
    ("Old Mill", "Łódź", "Poland", "pl-PL"),
    ("Dock 7", "Dublin", "Ireland", "en-IE"),
    ("Shibuya 21", "Tokyo", "Japan", "ja-JP"),
    ("Taller Sur", "Elche", "Spain", "es-ES"),
    ("Plant 4", "Austin", "United States", "en-US"),
)
