"""Names of goods, stores, people and channels, in Russian and in English, and what the money is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Words:
    """What a shop is called by those who work in it."""

    currency: str
    price_divisor: int  # plans hold prices in kopecks
    price_step: int  # prices are multiples of it, in minor units
    goods: Mapping[str, Mapping[str, str]]  # assortment -> category -> names, separated by "; "
    makers: tuple[str, ...]
    stores: tuple[str, ...]
    staff: tuple[str, ...]
    channels: tuple[str, ...]

    def product_names(self, assortment: str, count: int) -> list[tuple[str, str]]:
        """`count` products as (category, name): plain names first, then the same of one maker after another."""
        names = self._names(assortment)
        return [next(names) for _ in range(count)]

    def _names(self, assortment: str) -> Iterator[tuple[str, str]]:
        plain = [(category, name) for category, names in self.goods[assortment].items() for name in names.split("; ")]
        yield from plain
        for maker, (category, name) in product(self.makers, plain):
            yield category, f"{name} {maker}"
        number = 2
        while True:
            yield from ((category, f"{name} {number}") for category, name in plain)
            number += 1


RUSSIAN = Words(
    currency="RUB",
    price_divisor=1,
    price_step=100,
    goods={
        "coffee": {
            "Кофе": "Капучино; Латте; Американо; Эспрессо; Раф; Флэт уайт; Мокко; Фильтр-кофе; Кофе со льдом",
            "Чай": "Чай чёрный; Чай зелёный; Чай облепиховый; Матча; Какао",
            "Выпечка": "Круассан; Синнабон; Сырник; Пирожок с вишней; Маффин; Эклер; Чизкейк; Печенье овсяное",
            "Завтраки": "Каша овсяная; Омлет; Сэндвич с курицей; Тост с авокадо; Блины со сметаной",
            "С собой": "Зёрна 250 г; Дрип-пакеты; Термокружка; Сироп; Шоколад; Вода",
        },
        "grocery": {
            "Молочное": "Молоко; Кефир; Сметана; Творог; Сыр; Масло сливочное; Йогурт; Ряженка",
            "Хлеб": "Хлеб ржаной; Батон; Лаваш; Булочка; Сухари",
            "Мясо и рыба": "Курица; Фарш; Свинина; Говядина; Сосиски; Колбаса; Сельдь; Скумбрия",
            "Овощи и фрукты": "Картофель; Морковь; Лук; Помидоры; Огурцы; Яблоки; Бананы; Апельсины; Капуста; Зелень",
            "Бакалея": "Гречка; Рис; Макароны; Мука; Сахар; Соль; Масло подсолнечное; Чай; Кофе; Мёд",
            "Сладкое": "Печенье; Конфеты; Шоколад; Вафли; Мармелад; Зефир",
            "Напитки": "Вода; Сок; Квас; Морс; Лимонад",
            "Дом": "Мыло; Порошок стиральный; Салфетки; Шампунь; Губки; Пакеты",
        },
        "clinic": {
            "Приём": "Осмотр терапевта; Повторный осмотр; Консультация хирурга; Консультация дерматолога; Выезд на дом",
            "Прививки": "Прививка комплексная; Прививка от бешенства; Чипирование; Паспорт",
            "Анализы": "Общий анализ крови; Биохимия; УЗИ брюшной полости; Рентген; ЭКГ; Соскоб",
            "Операции": "Стерилизация; Чистка зубов; Удаление образования; Наркоз; Шов",
            "Аптека и корм": "Корм лечебный; Капли от блох; Таблетки от глистов; Витамины; Шампунь; Лакомство",
            "Уход": "Стрижка когтей; Груминг; Стрижка; Чистка ушей; Гостиница, сутки",
        },
        "wholesale": {
            "Крепёж": "Саморезы; Дюбели; Болты; Гайки; Анкеры; Гвозди; Шурупы",
            "Сухие смеси": "Цемент; Штукатурка; Шпаклёвка; Клей плиточный; Затирка; Наливной пол",
            "Инструмент": "Шпатель; Валик; Кисть; Рулетка; Уровень; Нож; Пистолет для пены",
            "Отделка": "Обои; Краска; Плинтус; Ламинат; Плитка; Грунтовка; Герметик",
            "Электрика": "Кабель; Розетка; Выключатель; Автомат; Лампа; Удлинитель",
        },
    },
    makers=("«Луговое»", "«Северный двор»", "«Утро»", "«Десятка»", "«Берег»", "«Старый мастер»", "«Ясно»"),
    stores=("Садовая, 12", "Вокзальная, 3", "Лесной проспект, 40", "Набережная, 7", "Рынок", "Мира, 1"),
    staff=(
        "Андреева", "Борисова", "Васильев", "Гусева", "Дмитриев", "Ершова", "Жукова", "Зайцев", "Ильина", "Козлов",
        "Лебедева", "Морозов", "Никитина", "Орлов", "Павлова", "Романов", "Соколова", "Титов", "Ушакова", "Фомин",
        "Цветкова", "Чернов", "Шубина", "Щукин", "Юдина", "Яковлев", "Белова", "Громов", "Исаева", "Калинин",
    ),
    channels=("Прохожие", "Рекомендация", "Реклама в сети", "Справочник", "Партнёр"),
)  # fmt: skip

ENGLISH = Words(
    currency="USD",
    price_divisor=60,
    price_step=5,
    goods={
        "coffee": {
            "Coffee": "Cappuccino; Latte; Americano; Espresso; Cortado; Flat white; Mocha; Filter coffee; Iced coffee",
            "Tea": "Black tea; Green tea; Chai; Matcha; Cocoa",
            "Bakery": "Croissant; Cinnamon roll; Scone; Cherry pie; Muffin; Eclair; Cheesecake; Oat cookie",
            "Breakfast": "Porridge; Omelette; Chicken sandwich; Avocado toast; Pancakes",
            "To go": "Beans 250 g; Drip bags; Travel mug; Syrup; Chocolate; Water",
        },
        "grocery": {
            "Dairy": "Milk; Kefir; Sour cream; Cottage cheese; Cheese; Butter; Yogurt; Cream",
            "Bread": "Rye bread; White loaf; Flatbread; Buns; Rusks",
            "Meat and fish": "Chicken; Mince; Pork; Beef; Frankfurters; Salami; Herring; Mackerel",
            "Fruit and vegetables": "Potatoes; Carrots; Onions; Tomatoes; Cucumbers; Apples; Bananas; Oranges; Cabbage",
            "Groceries": "Buckwheat; Rice; Pasta; Flour; Sugar; Salt; Sunflower oil; Tea; Coffee; Honey",
            "Sweets": "Biscuits; Candy; Chocolate; Wafers; Jelly; Marshmallows",
            "Drinks": "Water; Juice; Cola; Lemonade; Iced tea",
            "Household": "Soap; Washing powder; Napkins; Shampoo; Sponges; Bags",
        },
        "clinic": {
            "Visits": "Check-up; Follow-up; Surgeon's consultation; Dermatologist's consultation; Home visit",
            "Vaccines": "Combined vaccine; Rabies vaccine; Microchip; Pet passport",
            "Tests": "Blood count; Biochemistry; Ultrasound; X-ray; ECG; Skin scraping",
            "Surgery": "Neutering; Dental cleaning; Growth removal; Anaesthesia; Suture",
            "Pharmacy and food": "Medical diet; Flea drops; Worming tablets; Vitamins; Shampoo; Treats",
            "Care": "Nail trim; Grooming; Haircut; Ear cleaning; Boarding, a day",
        },
        "wholesale": {
            "Fasteners": "Screws; Plugs; Bolts; Nuts; Anchors; Nails; Wood screws",
            "Dry mixes": "Cement; Plaster; Filler; Tile adhesive; Grout; Self-levelling floor",
            "Tools": "Trowel; Roller; Brush; Tape measure; Level; Knife; Foam gun",
            "Finishing": "Wallpaper; Paint; Skirting; Laminate; Tiles; Primer; Sealant",
            "Electrical": "Cable; Socket; Switch; Breaker; Lamp; Extension lead",
        },
    },
    makers=("Meadow", "North Yard", "Morning", "Ten Ten", "Shoreline", "Old Master", "Clear"),
    stores=("12 Garden Street", "3 Station Road", "40 Forest Avenue", "7 Quay", "Market", "1 Peace Square"),
    staff=(
        "Adams", "Baker", "Carter", "Davis", "Evans", "Foster", "Green", "Harris", "Irving", "Jones",
        "King", "Lewis", "Moore", "Nelson", "Owens", "Parker", "Quinn", "Reed", "Scott", "Turner",
        "Upton", "Vance", "Walker", "Young", "Archer", "Brooks", "Cole", "Dixon", "Ellis", "Ford",
    ),
    channels=("Walk-in", "Recommendation", "Online advertising", "Directory", "Partner"),
)  # fmt: skip

WORDS: Mapping[str, Words] = {"ru": RUSSIAN, "en": ENGLISH}


def pick(names: tuple[str, ...], count: int) -> list[str]:
    """The first `count` names; numbered again from the first when there are not enough."""
    return [names[i % len(names)] + (f" {i // len(names) + 1}" if i >= len(names) else "") for i in range(count)]
